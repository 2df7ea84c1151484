"""A private `.git` for a copy of the repository: plain, without secrets, reading the objects of the original."""

import asyncio
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from glmcode_sandbox.copytree import CopyReport, copy_tree
from glmcode_sandbox.git.gitrun import git_environment, run_git
from glmcode_sandbox.git.repository import Repository
from glmcode_sandbox.threads import finished

_SHARED_FOLDERS = ("refs", "info", "logs", "modules", "reftable")
_STATE_FOLDERS = ("rebase-merge", "rebase-apply", "sequencer")
_SHARED_FILES = ("packed-refs", "shallow", "description")
_KEPT_CORE = frozenset(("repositoryformatversion", "filemode", "ignorecase", "symlinks", "eol", "autocrlf"))


async def make_private_git(
    repository: Repository, target: Path, *, borrow: str | None = None, stop: threading.Event | None = None
) -> CopyReport:
    """Make the folder `target` a git folder with the commit, index and branches of the working tree of `repository`.

    Objects stay where they are and are read from there (`objects/info/alternates`), or from the folder `borrow` in
    `target`, made empty for the originals to be mounted there. Of the configuration only
    what describes the repository is kept: credentials, headers, helpers and commands stay outside. Once `stop` is set
    it ends early.
    """
    report = await finished(lambda: _copy_parts(repository, target, borrow, stop), stop)
    for folder in await asyncio.to_thread(module_folders, target):
        config = folder / "config"
        config.write_text(await plain_config(config, keep_worktree=True))
        await asyncio.to_thread(shutil.rmtree, folder / "hooks", ignore_errors=True)
    config = target / "config"
    config.write_text(await plain_config(repository.common_dir / "config"))
    _give_like(repository.top, config)
    return report


def _copy_parts(repository: Repository, target: Path, borrow: str | None, stop: threading.Event | None) -> CopyReport:
    """All that needs no git. It may be much: `modules` holds the objects of submodules."""
    report = CopyReport()
    target.mkdir(mode=0o755)
    _give_like(repository.top, target)
    for name in _SHARED_FOLDERS:
        _copy_folder(repository.common_dir / name, target / name, report, stop)
    for name in _STATE_FOLDERS:
        _copy_folder(repository.git_dir / name, target / name, report, stop)
    for source in _state_files(repository):
        with suppress(FileNotFoundError, IsADirectoryError):
            shutil.copy2(source, target / source.name, follow_symlinks=False)
            _give_like(source, target / source.name)
    made = ("objects", "objects/info", "objects/pack", "refs", *([borrow] if borrow else []))
    for folder in (target / name for name in made):
        folder.mkdir(exist_ok=True)
        _give_like(repository.top, folder)
    alternates = target / "objects" / "info" / "alternates"
    alternates.write_bytes(os.fsencode(f"../{borrow}" if borrow else repository.common_dir / "objects") + b"\n")
    _give_like(repository.top, alternates)
    return report


def _copy_folder(source: Path, target: Path, report: CopyReport, stop: threading.Event | None) -> None:
    if source.is_dir() and not source.is_symlink():
        part = copy_tree(source, target, stop=stop)
        report.files += part.files
        report.bytes += part.bytes
        report.skipped += [f".git/{source.name}/{line}" for line in part.skipped]


def _state_files(repository: Repository) -> Iterator[Path]:
    for name in _SHARED_FILES:
        yield repository.common_dir / name
    for entry in sorted(repository.git_dir.iterdir()):
        is_state = entry.name.isupper() or entry.name == "index" or entry.name.startswith("sharedindex.")
        if is_state and stat.S_ISREG(entry.lstat().st_mode):
            yield entry


def _give_like(source: Path, target: Path) -> None:
    if os.geteuid() == 0:
        status = source.lstat()
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)


async def plain_config(source: Path, *, keep_worktree: bool = False) -> str:
    """The text of a git configuration with only what describes the repository.

    `keep_worktree` keeps core.worktree, which ties a submodule's folder to its place.
    """
    arguments = ("config", "--file", str(source), "--no-includes", "--list", "-z")
    # In no repository: git would go to the working tree that the text names.
    output = await run_git(arguments, git_environment(Path("/nonexistent")), cwd=source.parent)
    lines = ["[core]", "\tbare = false"]
    for record in output.split(b"\0"):
        key, separator, value = record.decode(errors="replace").partition("\n")
        section, _, rest = key.partition(".")
        subsection, _, name = rest.rpartition(".")
        if separator and (_is_plain(section, subsection, name, value) or (keep_worktree and key == "core.worktree")):
            lines += [_heading(section, subsection), f"\t{name} = {_quoted(value)}"]
    return "\n".join(lines) + "\n"


def module_folders(git_dir: Path) -> list[Path]:
    """The git folders of submodules, and of theirs, below `git_dir`; no link is followed. Blocks."""
    found = []
    for folder, folders, files in os.walk(git_dir / "modules"):
        if "HEAD" in files and "config" in files:
            folders[:] = [name for name in folders if name == "modules"]
            if not (Path(folder) / "config").is_symlink():
                found.append(Path(folder))
    return found


def _is_plain(section: str, subsection: str, name: str, value: str) -> bool:
    match section:
        case "core":
            return not subsection and name in _KEPT_CORE
        case "extensions":
            return name in ("objectformat", "refstorage")
        case "branch":
            return name in ("remote", "merge")
        case "remote":
            # An address may carry a name and a password.
            return name == "fetch" or (name == "url" and "@" not in value and "?" not in value)
        case "user":
            return name in ("name", "email")
    return False


def _heading(section: str, subsection: str) -> str:
    return f"[{section} {_quoted(subsection)}]" if subsection else f"[{section}]"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
