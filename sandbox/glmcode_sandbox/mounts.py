"""What of a repository the sandbox sees: the working tree, and git folders read-only and without secrets."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from glmcode_sandbox.base import Mount, Overlay
from glmcode_sandbox.privategit import module_folders, plain_config
from glmcode_sandbox.repository import Repository

ORIGINALS = "original-objects"
"""Where in a private `.git` the objects of the user's repository appear."""


_MAX_GUARDED = 200


async def direct_mounts(repository: Repository, scratch: Path) -> tuple[Mount, ...]:
    """The repository itself, writable, its whole `.git` read-only on top.

    The git folder of a linked worktree or submodule appears read-only at its own path, if it vouches for this
    working tree. The configuration, submodules' included, is seen in copies under `scratch` that hold no credentials.
    """
    top = repository.top
    mounts = [Mount(top, str(top)), Mount(top / ".git", str(top / ".git"), read_only=True)]
    if not repository.vouched:
        return tuple(mounts)
    if repository.common_dir != top / ".git":
        mounts.append(Mount(repository.common_dir, str(repository.common_dir), read_only=True))
    config = repository.common_dir / "config"
    is_submodule = repository.common_dir != top / ".git"
    configs = [(config, is_submodule)] if config.is_file() and not config.is_symlink() else []
    configs += [(folder / "config", True) for folder in await asyncio.to_thread(module_folders, repository.common_dir)]
    for number, (hidden, keep_worktree) in enumerate(configs):
        shown = scratch / f"shown-config-{number}"
        shown.write_text(await plain_config(hidden, keep_worktree=keep_worktree))
        shown.chmod(0o644)
        mounts.append(Mount(shown, str(hidden), read_only=True))
    return tuple(mounts)


def guarded_mounts(top: Path, hook_paths: Sequence[str], inner: Sequence[str]) -> tuple[Mount, ...]:
    """What else of a direct workspace is read-only: hooks, and the `.git` of the repositories `inner`. Blocks.

    A submodule that was never fetched is an empty folder, in which git would look for a repository. What does not
    exist, or is a link, cannot be mounted; see `guarding.py`.
    """
    paths = [top / path for path in hook_paths]
    for folder in (top / path for path in inner):
        empty = folder.is_dir() and not any(folder.iterdir())
        paths.append(folder if empty else folder / ".git")
    there = [path for path in sorted(set(paths))[:_MAX_GUARDED] if path.exists() and path.resolve() == path]
    return tuple(Mount(path, str(path), read_only=True) for path in there)


def isolated_mounts(repository: Repository, copy: Path) -> tuple[Mount, ...]:
    """The copy in the repository's place, its private `.git` read-only, with the original's objects read-only in it."""
    git = f"{repository.top}/.git"
    mounts = [Mount(copy, str(repository.top)), Mount(copy / ".git", git, read_only=True)]
    if repository.vouched:
        mounts.append(Mount(repository.common_dir / "objects", f"{git}/objects", read_only=True))
    return tuple(mounts)


def overlay_mounts(repository: Repository, overlay: Overlay, private_git: Path) -> tuple[Mount, ...]:
    """The layer in the repository's place, and a private `.git` in it that may be written, since nothing else reads it.

    The objects of the original are mounted read-only below that, as `ORIGINALS`.
    """
    git = f"{repository.top}/.git"
    mounts = [Mount(repository.top, str(repository.top), overlay=overlay), Mount(private_git, git)]
    if repository.vouched:
        mounts.append(Mount(repository.common_dir / "objects", f"{git}/{ORIGINALS}", read_only=True))
    return tuple(mounts)


def mount_notes(repository: Repository, submodules: Sequence[str], large: Sequence[str]) -> tuple[str, ...]:
    """What does not work inside, one line for people each; untrusted names in them."""
    notes = []
    if not repository.vouched:
        notes.append(f"git does not work in the sandbox: {repository.git_dir} does not point back to {repository.top}")
    alternates = repository.common_dir / "objects" / "info" / "alternates"
    if os.path.lexists(alternates):
        notes.append("git in the sandbox misses the objects that this repository borrows from another one")
    if submodules:
        notes.append(f"changes inside submodules are not carried: {', '.join(sorted(submodules)[:10])}")
    notes += [f"changes of a large untracked file are not carried: {path}" for path in large[:10]]
    return tuple(notes)
