"""What of a repository the sandbox sees: the working tree, and git folders read-only and without secrets."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from glmcode_sandbox.base import Mount, Overlay
from glmcode_sandbox.git.privategit import module_folders, plain_config
from glmcode_sandbox.git.repository import Repository
from glmcode_sandbox.git.walking import walk

ORIGINALS = "original-objects"
"""Where in a private `.git` the objects of the user's repository appear."""


_MAX_GUARDED = 200
_NULL = Path("/dev/null")


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


def guarded_mounts(repository: Repository, submodules: Sequence[str]) -> tuple[Mount, ...]:
    """What else of a direct workspace is closed. Blocks.

    Hooks, and the `.git` of every repository inside, ignored or not, are read-only. A submodule that was never fetched
    is an empty folder, in which git would look for a repository. Sockets and pipes lead to processes of the host, so
    the null device lies over them. What does not exist, or is a link, cannot be mounted; see `guarding.py`.
    """
    top, gits = repository.top, (repository.git_dir, repository.common_dir)
    entries, channels = _inner(top)
    hooks = [top / path for path in repository.hook_paths]
    empty = [folder for folder in (top / path for path in submodules) if folder.is_dir() and not os.listdir(folder)]  # noqa: PTH208
    paths = [path for path in dict.fromkeys((*hooks, *empty, *entries)) if not any(map(path.is_relative_to, gits))]
    there = [path for path in paths if path.exists() and path.resolve() == path]
    closed = [Mount(path, str(path), read_only=True) for path in sorted(there[:_MAX_GUARDED])]
    return (*closed, *(Mount(_NULL, str(path), read_only=True) for path in channels[:_MAX_GUARDED]))


def _inner(top: Path) -> tuple[list[Path], list[Path]]:
    """The `.git` of repositories inside the repository, and its sockets and pipes."""
    entries, channels = [], []
    for found in walk(top, enters=lambda folder: not folder.lower().endswith("/.git")):
        if found.entry.name.lower() == ".git":
            entries.append(top / found.path)
        elif not (found.is_folder or found.entry.is_file(follow_symlinks=False) or found.entry.is_symlink()):
            channels.append(top / found.path)
    return sorted(entries), sorted(channels)


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
