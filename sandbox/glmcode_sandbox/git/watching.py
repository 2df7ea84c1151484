"""Watching a working tree, so that a snapshot need only look at what was touched since the one before.

The kernel tells of every change before the call that made it returns, whichever container made it (inotify(7)). It does
not tell of writes to a mapped file before that is closed, nor of writes through another hard link outside: look at
everything where nothing may be missed.
"""

import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from glmcode_sandbox.beneath import opened

_MAX_FOLDERS = 20_000
"""More are not watched: the user's other programs need watches, too."""
_MAX_DEPTH = 200
_READ_BYTES = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_EVENT = struct.Struct("iIII")

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_MOVE_SELF, _UNMOUNT, _OVERFLOW, _IGNORED, _ONLYDIR, _ISDIR = 0x800, 0x2000, 0x4000, 0x8000, 0x1000000, 0x40000000
_MASK = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _MOVE_SELF | _ONLYDIR


class Watch:
    """Watches on all folders below one, as far as they count. Made by `watch`."""

    def __init__(self, descriptor: int) -> None:
        self.folders: dict[int, str] = {}
        """Their relative paths, with a slash at the end, by the numbers that the kernel gave them."""
        self._descriptor = descriptor

    def touched(self) -> tuple[set[str], set[str]] | None:
        """The relative paths of files, and of folders, that may have appeared, changed or gone since the last call.

        None: something is not known, and never will be by this watch.
        """
        files: set[str] = set()
        folders: set[str] = set()
        while True:
            try:
                data = os.read(self._descriptor, _READ_BYTES)
            except BlockingIOError:
                return files, folders
            if not self._take(data, files, folders):
                return None

    def _take(self, data: bytes, files: set[str], folders: set[str]) -> bool:
        place = 0
        while place < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, place)
            name = data[place + _EVENT.size : place + _EVENT.size + length].rstrip(b"\0")
            place += _EVENT.size + length
            if mask & (_OVERFLOW | _UNMOUNT | _MOVE_SELF):
                return False
            if mask & _IGNORED and self.folders.get(number) == "":
                return False
            if name and (folder := self.folders.get(number)) is not None:
                # A folder that moves away takes its watches along, under a name that is no longer true.
                if mask & _ISDIR and mask & _MOVED_FROM:
                    return False
                (folders if mask & _ISDIR else files).add(f"{folder}{os.fsdecode(name)}")
        return True

    def close(self) -> None:
        """May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def watch(top: Path, is_left_out: Callable[[str], bool]) -> Watch | None:
    """Watch a folder and all below but git folders and those that are left out (relative path, with a slash).

    None where that cannot be, or where there are too many. Blocks for as long as it takes to list everything.
    """
    library = _library()
    descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC) if library is not None else -1
    if descriptor < 0:
        return None
    made = Watch(descriptor)
    try:
        with opened(top) as folder:
            add = partial(library.inotify_add_watch, descriptor)
            if _watch_below(folder, "", made.folders, add, is_left_out):
                return made
    except OSError:
        pass
    except BaseException:
        made.close()
        raise
    made.close()
    return None


def _watch_below(
    folder: int,
    path: str,
    found: dict[int, str],
    add: Callable[[bytes, int], int],
    is_left_out: Callable[[str], bool],
) -> bool:
    # By descriptors: whoever puts a link in the place of a folder meanwhile leads nowhere. Watched first, then listed,
    # so that nothing can appear in between.
    number = add(f"/proc/self/fd/{folder}".encode(), _MASK)
    # A number twice is one folder in two places, as by a bind mount.
    if number < 0 or number in found or len(found) >= _MAX_FOLDERS or path.count("/") > _MAX_DEPTH:
        return False
    found[number] = path
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    for name in names:
        below = f"{path}{name}/"
        if name.lower() == ".git" or is_left_out(below):
            continue
        try:
            inner = os.open(name, _FOLDER, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            continue  # its parent's watch tells
        try:
            if not _watch_below(inner, below, found, add, is_left_out):
                return False
        finally:
            os.close(inner)
    return True


def _library() -> Any:
    """The C library; None where it has no inotify."""
    import ctypes

    library = ctypes.CDLL(None)
    return library if hasattr(library, "inotify_init1") else None
