"""Lists a repository's files with git and reads them safely: regular text files only, no link ever followed."""

import os
import re
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from glmcode.config import ConfigError
from glmcode_sandbox.clean import clean_text

MAX_FILE_BYTES = 512 * 1024
MAX_FILES = 50_000
"""More tracked, or more untracked, files than this are not listed."""
GIT_TIMEOUT_S = 20.0

_SETTINGS = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.untrackedCache=false", "safe.directory=*")
_LOCK_FILES = {
    *("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "bun.lockb", "go.sum", "gradle.lockfile"),
    *("Package.resolved", "packages.lock.json"),
}
_SKIPPED_SUFFIXES = {
    *(".lock", ".map", ".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".bmp", ".pdf", ".zip", ".gz", ".xz"),
    *(".bz2", ".zst", ".7z", ".tar", ".jar", ".war", ".whl", ".so", ".o", ".a", ".dll", ".dylib", ".exe", ".class"),
    *(".pyc", ".wasm", ".bin", ".dat", ".db", ".sqlite", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4"),
    *(".wav", ".ogg", ".mov", ".npy", ".npz", ".pt", ".onnx", ".safetensors", ".parquet", ".snap"),
}
_SKIPPED_FOLDERS = {"node_modules", ".git", "bower_components"}
_MINIFIED_NAME = re.compile(r"[.-]min\.(js|mjs|css)$")
_GENERATED = re.compile(
    rb"@generated\b|^\W*(?:code |this file (?:is|was) )?(?:auto-?|automatically )?generated\b[^\n]{0,80}"
    rb"(?:do not (?:edit|modify)|by )",
    re.IGNORECASE | re.MULTILINE,
)
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
# Text must not be able to hide behind a redrawn line or in an escape sequence, so these go before the rest is cleaned.
_DISARMED = dict.fromkeys([0x07, 0x08, 0x0D, 0x18, 0x1A, 0x1B, *range(0x80, 0xA0)], " ")
_LONG_LINE = 400
"""A file whose lines are longer than this on average was not written by hand."""


class ContextError(ConfigError):
    """The repository cannot be listed. The text says what to do next."""


def list_files(repo: Path) -> list[str]:
    """The files below `repo` that git tracks or would add, as sorted relative paths.

    Links, submodules and what is missing on disk may be among them; names that cannot be shown are not.
    Raises ContextError.
    """
    names = _git_names(repo, "--cached") | _git_names(repo, "--others", "--exclude-standard")
    return sorted(name for name in names if not _UNSHOWABLE.search(name))


def _git_names(repo: Path, *which: str) -> set[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # The person's own configuration counts: it may name what git shall ignore everywhere, and so what is not sent.
    safe = {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", *(part for setting in _SETTINGS for part in ("-c", setting)), "ls-files", "-z", *which]
    try:
        git = subprocess.Popen(
            command,
            cwd=repo,
            env=kept | safe,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        what = "git was not found. Install it" if repo.is_dir() else f"{repo} is not a folder. Name one with --repo"
        raise ContextError(f"{what} and run this again.") from error
    except (NotADirectoryError, PermissionError) as error:
        raise ContextError(f"{repo} cannot be entered: {error.strerror}. Name another folder with --repo.") from error
    names, ended = _read_names(git)
    if not ended and git.returncode != 0:
        raise ContextError(f"git cannot list the files of {repo}. Run `git status` there, or `git init` first.")
    return names


def _read_names(git: "subprocess.Popen[bytes]") -> tuple[set[str], bool]:
    """The names git prints, and whether it was ended early: after too many of them or too long a time."""
    names: set[str] = set()
    ended = threading.Event()

    def end() -> None:
        ended.set()
        git.kill()

    timer = threading.Timer(GIT_TIMEOUT_S, end)
    timer.start()
    try:
        assert git.stdout is not None
        rest = b""
        while chunk := git.stdout.read(1 << 16):
            *whole, rest = (rest + chunk).split(b"\0")
            names.update(os.fsdecode(name) for name in whole)
            if len(names) >= MAX_FILES:
                end()
                break
        git.wait()
    finally:
        timer.cancel()
        if git.poll() is None:
            git.kill()
            git.wait()
        if git.stdout is not None:
            git.stdout.close()
    return names, ended.is_set()


def worth_reading(path: str) -> bool:
    """Whether the name alone does not rule a file out: lock files, minified code, media and archives are."""
    pure = PurePosixPath(path)
    return not (
        pure.name in _LOCK_FILES
        or pure.suffix.lower() in _SKIPPED_SUFFIXES
        or _MINIFIED_NAME.search(pure.name)
        or not _SKIPPED_FOLDERS.isdisjoint(pure.parts)
    )


@contextmanager
def open_root(repo: Path) -> Iterator[int]:
    """A descriptor of the repository's folder for `read_bytes`."""
    root = os.open(repo, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield root
    finally:
        os.close(root)


def read_bytes(root: int, path: str, limit: int = MAX_FILE_BYTES) -> tuple[bytes, int] | None:
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


def source_bytes(root: int, path: str) -> bytes | None:
    """The bytes of a file that people wrote; None for what is binary, empty, too large, minified or generated."""
    found = read_bytes(root, path)
    if found is None or found[1] > MAX_FILE_BYTES:
        return None
    data = found[0]
    if not data or b"\0" in data[:8192] or _GENERATED.search(data[:1024]):
        return None
    too_long = len(data) > 8192 and len(data) / (data.count(b"\n") + 1) > _LONG_LINE
    return None if too_long else data


def decode(data: bytes) -> str:
    """Text of a file, without anything that acts on a terminal; its lines are the file's lines, ended by LF alone."""
    return clean_text(data.decode("utf-8", "replace").replace("\r\n", "\n").translate(_DISARMED))
