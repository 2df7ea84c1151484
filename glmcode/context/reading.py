"""Reads a repository's files safely: regular files only, no link ever followed. Imports little, for short processes."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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
