"""The user's repository: finding it, and the few facts that its own git folder is asked for."""

import asyncio
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glmcode_sandbox.finding import WorkspaceError, looks_like_git_dir
from glmcode_sandbox.git.gitrun import GitFailed, git_environment, run_git
from glmcode_sandbox.git.obeyed import Setting, obeyed_paths, person_settings

ObjectFormat = Literal["sha1", "sha256"]

_ASK_TIMEOUT_S = 20.0
_MAX_EXCLUDES_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Repository:
    """A working tree and the git folders behind it. Paths are absolute and resolved."""

    top: Path
    git_dir: Path
    """This working tree's git folder: HEAD and index."""
    common_dir: Path
    """Objects, refs and configuration; differs from `git_dir` in a linked worktree."""
    object_format: ObjectFormat
    head: str | None
    """The commit checked out; None before the first one."""
    vouched: bool
    """Whether the git folder points back to this working tree. One that does not is never shown to the sandbox."""
    hook_paths: tuple[str, ...]
    """Relative paths in the tree from which the person's git takes code or settings, see `obeyed.py`."""
    excludes: bytes
    """The person's own ignore patterns: core.excludesFile and info/exclude."""

    @property
    def index(self) -> Path:
        return self.git_dir / "index"


async def open_repository(top: Path) -> Repository:
    """The facts of the repository whose working tree is `top` (from `find_repository`)."""
    git_dir, common, vouched = await _git_dirs(top)
    environment = git_environment(git_dir)
    words = (await _ask(environment, top, "rev-parse", "--show-object-format")).decode().strip()
    if words not in ("sha1", "sha256"):
        raise WorkspaceError(f"{top} uses the object format {words!r}, which is not known here: sha1 and sha256 are")
    head = (await _ask(environment, top, "rev-parse", "--verify", "--quiet", "HEAD", ok=(0, 1))).decode().strip()
    settings = await person_settings(git_dir)
    hook_paths = await asyncio.to_thread(obeyed_paths, top, git_dir, common, settings)
    return Repository(
        top=top,
        git_dir=git_dir,
        common_dir=common,
        object_format="sha256" if words == "sha256" else "sha1",
        head=head or None,
        vouched=vouched,
        hook_paths=hook_paths,
        excludes=_excludes(common, settings),
    )


async def _ask(environment: dict[str, str], top: Path, *arguments: str, ok: tuple[int, ...] = (0,)) -> bytes:
    try:
        return await run_git(arguments, environment, cwd=Path("/"), timeout_s=_ASK_TIMEOUT_S, ok=ok)
    except GitFailed as error:
        raise WorkspaceError(f"{top} cannot be read as a git repository: {error}") from None


async def _git_dirs(top: Path) -> tuple[Path, Path, bool]:
    entry = top / ".git"
    if stat.S_ISDIR(entry.lstat().st_mode):
        return entry, entry, True
    text = _first_line(entry)
    if not text.startswith("gitdir: "):
        raise WorkspaceError(f"{entry} is not a git file: it should read `gitdir: FOLDER`")
    git_dir = Path(os.path.realpath(top / text.removeprefix("gitdir: ")))
    if not looks_like_git_dir(git_dir):
        raise WorkspaceError(f"{entry} points to {git_dir}, which is no git folder: run `git worktree repair`")
    if (git_dir / "commondir").is_file():
        common = Path(os.path.realpath(git_dir / _first_line(git_dir / "commondir")))
        # The place of the folder is the word of the common folder; the back pointer is the word of the worktree's.
        vouched = git_dir.parent == common / "worktrees" and looks_like_git_dir(common)
        back = Path(os.path.realpath(git_dir / _first_line(git_dir / "gitdir")))
        return git_dir, common, vouched and back == entry
    # What lies in the tree is the repository's own.
    return git_dir, git_dir, git_dir.is_relative_to(top) or await _names_worktree(git_dir, top)


async def _names_worktree(git_dir: Path, top: Path) -> bool:
    arguments = ("config", "--file", str(git_dir / "config"), "--no-includes", "--get", "core.worktree")
    value = os.fsdecode(await _ask(git_environment(git_dir), top, *arguments, ok=(0, 1))).rstrip("\n")
    return bool(value) and Path(os.path.realpath(git_dir / value)) == top


def _excludes(common: Path, settings: Sequence[Setting]) -> bytes:
    chosen = [setting.value for setting in settings if setting.key == "core.excludesfile"]
    config_home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    own = Path(chosen[-1] if chosen else f"{config_home}/git/ignore").expanduser()
    return b"\n".join((_small_file(own), _small_file(common / "info" / "exclude")))


def _small_file(path: Path) -> bytes:
    try:
        if stat.S_ISREG(path.stat().st_mode) and path.stat().st_size <= _MAX_EXCLUDES_BYTES:
            return path.read_bytes()
    except OSError:
        pass
    return b""


def _first_line(path: Path) -> str:
    lines = os.fsdecode(_small_file(path)).splitlines()
    return lines[0] if lines else ""
