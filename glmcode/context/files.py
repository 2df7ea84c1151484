"""Lists a repository's files with git, and turns what is in them into text that can be shown."""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from glmcode.config_error import ConfigError
from glmcode.context.reading import open_root as open_root
from glmcode.context.reading import read_bytes as read_bytes
from glmcode_sandbox.clean import clean_text

MAX_FILES = 200_000
"""More tracked, or more untracked, files than this are not listed."""
GIT_TIMEOUT_S = 20.0

_SETTINGS = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.untrackedCache=false", "safe.directory=*")
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
# Text must not be able to hide behind a redrawn line or in an escape sequence, so these go before the rest is cleaned.
_DISARMED = dict.fromkeys([0x07, 0x08, 0x0D, 0x18, 0x1A, 0x1B, *range(0x80, 0xA0)], " ")
_ACTS = re.compile("[" + "".join(re.escape(chr(code)) for code in _DISARMED) + "]")


class ContextError(ConfigError):
    """The repository cannot be listed. The text says what to do next."""


def list_files(repo: Path) -> list[str]:
    """The files below `repo` that git tracks or would add, as sorted relative paths.

    Links, submodules and what is missing on disk may be among them; names that cannot be shown are not.
    Raises ContextError.
    """
    return shown(all_names(repo))


def all_names(repo: Path) -> list[str]:
    """The same with the names that cannot be shown. Raises ContextError."""
    with listing(repo) as names:
        return names()


@contextmanager
def listing(repo: Path) -> Iterator[Callable[[], list[str]]]:
    """Git at work on it, beside whatever else there is to do until the names are asked for. Raises ContextError."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.extend(_list(repo, *which) for which in (("--cached",), ("--others", "--exclude-standard")))
        # Git lists in order, which the sort need then only see.
        yield cache(lambda: sorted(dict.fromkeys(name for git in started for name in _names(repo, git))))
    finally:
        for git in started:
            _end(git)


def can_be_shown(name: str) -> bool:
    """Whether a name is text that stays on its line and acts on no terminal."""
    return name.isprintable() or not _UNSHOWABLE.search(name)


def shown(names: list[str]) -> list[str]:
    """Those of the names that can be shown."""
    return names if "/".join(names).isprintable() else [name for name in names if can_be_shown(name)]


def git_command(*what: str) -> list[str]:
    """A git command that runs nothing the repository names."""
    return ["git", *(part for setting in _SETTINGS for part in ("-c", setting)), *what]


def git_environment() -> dict[str, str]:
    """The environment for it. The person's own configuration counts: it may name what git shall ignore everywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _list(repo: Path, *which: str) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            git_command("ls-files", "-z", *which),
            cwd=repo,
            env=git_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        what = "git was not found. Install it" if repo.is_dir() else f"{repo} is not a folder. Name one with --repo"
        raise ContextError(f"{what} and run this again.") from error
    except (NotADirectoryError, PermissionError) as error:
        raise ContextError(f"{repo} cannot be entered: {error.strerror}. Name another folder with --repo.") from error


def _names(repo: Path, git: "subprocess.Popen[bytes]") -> list[str]:
    names, ended = _read_names(git)
    if not ended and git.returncode != 0:
        raise ContextError(f"git cannot list the files of {repo}. Run `git status` there, or `git init` first.")
    return names


def _end(git: "subprocess.Popen[bytes]") -> None:
    if git.poll() is None:
        git.kill()
        git.wait()
    if git.stdout is not None:
        git.stdout.close()


def _read_names(git: "subprocess.Popen[bytes]") -> tuple[list[str], bool]:
    """The names git prints, and whether it was ended early: after too many of them or too long a time."""
    chunks: list[bytes] = []
    count = 0
    ended = threading.Event()

    def end() -> None:
        ended.set()
        git.kill()

    timer = threading.Timer(GIT_TIMEOUT_S, end)
    timer.start()
    try:
        assert git.stdout is not None
        while chunk := git.stdout.read(1 << 16):
            chunks.append(chunk)
            count += chunk.count(b"\0")
            if count >= MAX_FILES:
                end()
                break
        git.wait()
    finally:
        timer.cancel()
        _end(git)
    # What follows the last end of a name is none, or only its beginning.
    return os.fsdecode(b"".join(chunks)).split("\0")[:-1], ended.is_set()


def decode(data: bytes) -> str:
    """Text of a file, without anything that acts on a terminal; its lines are the file's lines, ended by LF alone."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    return clean_text(text.translate(_DISARMED) if _ACTS.search(text) else text)
