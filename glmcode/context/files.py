"""Lists a repository's files with git and reads them safely: regular text files only, no link ever followed."""

import itertools
import os
import re
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glmcode.config_error import ConfigError
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
    return [name for name in all_names(repo) if can_be_shown(name)]


def all_names(repo: Path) -> list[str]:
    """The same with the names that cannot be shown. Raises ContextError."""
    both = [_list(repo, "--cached"), _list(repo, "--others", "--exclude-standard")]
    try:
        found = [_names(repo, git) for git in both]
    finally:
        for git in both:
            _end(git)
    # Git lists in order, which the sort need then only see.
    return sorted(dict.fromkeys(itertools.chain(*found)))


def can_be_shown(name: str) -> bool:
    """Whether a name is text that stays on its line and acts on no terminal."""
    return name.isprintable() or not _UNSHOWABLE.search(name)


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


@contextmanager
def open_root(repo: Path) -> Iterator[int]:
    """A descriptor of the repository's folder for `read_bytes`."""
    root = os.open(repo, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield root
    finally:
        os.close(root)


class Reader:
    """Reads as `read_bytes` does, and keeps the last folder open: quicker for files in order. Used in `with`."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._folder: str = ""
        self._opened: int | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *failure: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None

    def read(self, path: str, limit: int) -> tuple[bytes, int] | None:
        """See `read_bytes`."""
        folder, _, name = path.rpartition("/")
        if not folder:
            return read_bytes(self._root, path, limit)
        if folder != self._folder or self._opened is None:
            self._close()
            self._folder, self._opened = folder, _open_folder(self._root, folder)
        return read_bytes(self._opened, name, limit) if self._opened is not None else None


def _open_folder(root: int, path: str) -> int | None:
    """A descriptor of a folder below `root`, reached without a link; None where it cannot be."""
    at = root
    for name in path.split("/"):
        opened = None
        if name not in ("", ".", ".."):
            with suppress(OSError):
                opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_DIRECTORY, dir_fd=at)
        if at != root:
            os.close(at)
        if opened is None:
            return None
        at = opened
    return at


def read_bytes(root: int, path: str, limit: int) -> tuple[bytes, int] | None:
    """The first `limit` bytes of a regular file below `root`, and its size; None for anything else on that path.

    No component of the path may be a link, and devices and pipes are never waited for.
    """
    *folders, name = path.split("/")
    if name in ("", ".", "..") or any(folder in ("", ".", "..") for folder in folders):
        return None
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    opened: list[int] = []
    with suppress(OSError):
        try:
            at = root
            for folder in folders:
                at = os.open(folder, flags | os.O_DIRECTORY, dir_fd=at)
                opened.append(at)
            file = os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=at)
            opened.append(file)
            status = os.fstat(file)
            return (_read(file, limit), status.st_size) if stat.S_ISREG(status.st_mode) else None
        finally:
            for descriptor in opened:
                os.close(descriptor)
    return None


def _read(file: int, limit: int) -> bytes:
    data = b""
    while len(data) < limit and (piece := os.read(file, limit - len(data))):
        data += piece
    return data


def decode(data: bytes) -> str:
    """Text of a file, without anything that acts on a terminal; its lines are the file's lines, ended by LF alone."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    return clean_text(text.translate(_DISARMED) if _ACTS.search(text) else text)
