"""Which files of a working tree the person's git obeys: hooks, programs and configurations, wherever links lead."""

import os
import re
import shlex
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glmcode_sandbox.finding import WorkspaceError
from glmcode_sandbox.git.gitrun import GitFailed, git_environment, run_git
from glmcode_sandbox.git.walking import walk

_INCLUDES = re.compile(r"(include\.path|includeif\..*\.path)")
_PROGRAMS = re.compile(
    r"(core\.(fsmonitor|pager|editor|sshcommand|askpass|gitproxy|alternaterefscommand)|diff\.external"
    r"|diff\..*\.(command|textconv)|filter\..*\.(clean|smudge|process)|merge\..*\.driver|credential\.(.*\.)?helper"
    r"|gpg\.(.*\.)?(program|defaultkeycommand)|sequence\.editor|interactive\.difffilter|alias\..*|pager\..*"
    r"|(difftool|mergetool|browser|man|guitool)\..*\.(cmd|path)|trailer\..*\.(cmd|command)|tar\..*\.command"
    r"|remote\..*\.(uploadpack|receivepack)|uploadpack\.packobjectshook|gc\.recentobjectshook|hook\..*\.command"
    r"|submodule\..*\.update|sendemail\..*)"
)
_FOLDERS = ("core.hookspath", "init.templatedir")
_GIT_PARTS = ("config", "config.worktree", "commondir", "hooks")
_MAX_LINKS = 40


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of the person's configuration."""

    origin: Path | None
    """The file that it stands in; None for none."""
    key: str
    value: str


async def person_settings(git_dir: Path) -> list[Setting]:
    """All that the person's git would read in this repository. Raises WorkspaceError."""
    words = ("config", "--includes", "--show-origin", "-z", "--list")
    try:
        output = await run_git(words, persons_environment(git_dir), cwd=Path("/"), timeout_s=20, ok=(0, 1))
    except GitFailed as error:
        raise WorkspaceError(f"the git configuration of {git_dir} cannot be read: {error}") from None
    records = os.fsdecode(output).split("\0")
    found = []
    for origin, record in zip(records[::2], records[1::2], strict=False):
        key, _, value = record.partition("\n")
        file = Path(os.path.normpath(origin.removeprefix("file:"))) if origin.startswith("file:/") else None
        found.append(Setting(file, key, value))
    return found


def persons_environment(git_dir: Path) -> dict[str, str]:
    """Like `git_environment`, but the person's own configuration counts; for commands that only read it."""
    environment = git_environment(git_dir)
    for name in [key for key in environment if key.startswith("GIT_CONFIG")]:
        del environment[name]
    environment["HOME"] = os.environ.get("HOME", "/nonexistent")
    if "XDG_CONFIG_HOME" in os.environ:
        environment["XDG_CONFIG_HOME"] = os.environ["XDG_CONFIG_HOME"]
    return environment


def obeyed_paths(top: Path, git_dir: Path, common_dir: Path, settings: Iterable[Setting]) -> tuple[str, ...]:
    """Relative paths of files and folders in the tree, there or not. Blocks."""
    named = [path for setting in settings for path in _named(top, git_dir, setting)]
    hooks = common_dir / "hooks"
    own = [common_dir / "config", git_dir / "config.worktree", hooks, *_persons_files()]
    for folder in {git_dir, common_dir}:
        if folder.is_relative_to(top) and folder != top / ".git":
            named += [folder / part for part in _GIT_PARTS]
    starts = [*named, *own]
    starts += [entry for path in starts for entry in _below(path) if entry.is_symlink()]
    found = {step for start in starts for step in _trail(start)}
    found.update(_twins(top, (common_dir / "config", *_below(hooks))))
    inside = (path for path in found if path.is_relative_to(top) and path != top)
    return tuple(sorted({str(path.relative_to(top)) for path in inside if not path.is_relative_to(top / ".git")}))


def _named(top: Path, git_dir: Path, setting: Setting) -> list[Path]:
    """The files that a setting, and where it stands, name."""
    found = [setting.origin] if setting.origin is not None else []
    base = None
    if _INCLUDES.fullmatch(setting.key):
        base = (setting.origin or git_dir / "config").parent
    elif setting.key in _FOLDERS:
        base = top
    if base is not None:
        return [*found, Path(os.path.normpath(base / Path(setting.value).expanduser()))]
    if _PROGRAMS.fullmatch(setting.key):
        words = ((word, Path(os.path.normpath(top / word))) for word in _words(setting.value))
        found += [path for word, path in words if _is_program(path, word)]
    return found


def _persons_files() -> tuple[Path, ...]:
    """Configurations that need not be there, or hold anything, yet."""
    home = Path(os.environ.get("HOME") or "/nonexistent")
    return (home / ".gitconfig", Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config")


def _below(folder: Path) -> list[Path]:
    with suppress(OSError):
        return list(folder.iterdir())
    return []


def _trail(path: Path) -> Iterator[Path]:
    """The path, the links on it, and where they lead, one after the other. What lies in a link's folder may differ."""
    for _ in range(_MAX_LINKS):
        yield path
        link = next((each for each in (*reversed(path.parents), path) if each.is_symlink()), None)
        if link is None:
            return
        yield link
        try:
            path = Path(os.path.normpath(link.parent / link.readlink() / path.relative_to(link)))
        except OSError:
            return


def _twins(top: Path, files: Iterable[Path]) -> list[Path]:
    """Further names that these files have in the tree."""
    numbers = set()
    for file in files:
        with suppress(OSError):
            status = file.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
                numbers.add(status.st_ino)
    if not numbers:
        return []
    return [top / found.path for found in walk(top) if found.entry.inode() in numbers and not found.is_folder]


def _words(command: str) -> list[str]:
    words = shlex.shlex(command.removeprefix("!"), posix=True, punctuation_chars=True)
    words.whitespace_split = True
    try:
        return list(words)
    except ValueError:
        return command.split()


def _is_program(path: Path, word: str) -> bool:
    """Whether a word of a command that the person's git runs may be a program of the tree; it need not exist yet."""
    return path.is_file() or ("/" in word and not path.is_dir())
