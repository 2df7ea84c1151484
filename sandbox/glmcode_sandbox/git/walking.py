"""Walks everything below a folder by descriptors: no link is followed, and no path is too long."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PATH_BYTES = 4000
"""A path that one call takes may have 4095."""


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of a folder."""

    path: str
    """Relative to where the walk began."""
    entry: os.DirEntry[str]
    folder: int
    """A descriptor of the folder that holds it, open until the next one is asked for."""

    @property
    def is_folder(self) -> bool:
        return self.entry.is_dir(follow_symlinks=False)


def walk(
    top: Path, *, enters: Callable[[str], bool] = lambda _: True, closed_since_ns: int | None = None
) -> Iterator[Found]:
    """Everything below `top` but its own `.git`, and what is below folders that `enters` refuses.

    Folders that cannot be read are passed over; those that changed since `closed_since_ns` are opened for their owner.
    """
    root = _opened_top(top, closed_since_ns)
    if root is None:
        return
    waiting = [""]
    # The folder looked at last: the next one is often in it, and a long way costs much.
    last, descriptor = "", os.dup(root)
    try:
        while waiting:
            folder = waiting.pop()
            above, _, name = folder.rpartition("/")
            near = folder != "" and above == last
            opened = _opened(descriptor if near else root, name if near else folder, closed_since_ns)
            if opened is None:
                continue
            os.close(descriptor)
            last, descriptor = folder, opened
            for entry in _entries(descriptor):
                if not folder and entry.name.lower() == ".git":
                    continue
                found = Found(f"{folder}/{entry.name}" if folder else entry.name, entry, descriptor)
                yield found
                if found.is_folder and enters(found.path):
                    waiting.append(found.path)
    finally:
        os.close(descriptor)
        os.close(root)


def _entries(descriptor: int) -> list[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(descriptor) as entries:
        return list(entries)
    return []


def _opened_top(top: Path, since_ns: int | None) -> int | None:
    with suppress(OSError):
        if since_ns is not None:
            _let_in(top.lstat(), since_ns, top.chmod)
        return os.open(top, _FOLDER)
    return None


def _opened(root: int, folder: str, since_ns: int | None) -> int | None:
    """A descriptor of a folder; None where it cannot be had."""
    with suppress(OSError):
        above, name = _parent(root, os.fsencode(folder))
        try:
            if since_ns is not None:
                status = os.stat(name, dir_fd=above, follow_symlinks=False)
                _let_in(status, since_ns, lambda mode: os.chmod(name, mode, dir_fd=above))
            return os.open(name, _FOLDER, dir_fd=above)
        finally:
            os.close(above)
    return None


def _parent(root: int, path: bytes) -> tuple[int, bytes]:
    """A descriptor from which the rest of a path is short enough, and that rest."""
    descriptor = os.dup(root)
    while len(path) > _PATH_BYTES:
        cut = path.rindex(b"/", 0, _PATH_BYTES)
        deeper = os.open(path[:cut], _FOLDER, dir_fd=descriptor)
        os.close(descriptor)
        descriptor, path = deeper, path[cut + 1 :]
    return descriptor, path or b"."


def _let_in(status: os.stat_result, since_ns: int, change: Callable[[int], None]) -> None:
    """Give the owner of a folder that was closed lately the way into it."""
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode) and status.st_ctime_ns >= since_ns and mode & 0o700 != 0o700:
        with suppress(OSError):
            change(mode | 0o700)
