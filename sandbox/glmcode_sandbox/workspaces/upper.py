"""Reading the upper folder of a copy-on-write layer: what was written, and what of the lower one is gone.

Untrusted code writes there while it is read: every step goes through a folder's descriptor and follows no link.
"""

import os
import stat
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from glmcode_sandbox.git.trees import parents
from glmcode_sandbox.workspaces.overlay import OPAQUE

_MAX_DEPTH = 200
_MAX_PATH_BYTES = 3900
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_SETTLED_NS = 2_000_000_000
"""The coarsest clock of a file system that takes layers."""

Fingerprint = tuple[int, ...]
Outline = tuple[dict[str, Fingerprint], set[str], set[str]]


@dataclass(slots=True)
class Upper:
    """What an upper folder holds; relative paths, bytes that are no UTF-8 as surrogates."""

    files: dict[str, os.stat_result] = field(default_factory=dict)
    """Regular files and symbolic links."""
    folders: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    """Paths where nothing of the lower folder shows, nor below them: deleted, replaced by something, or made anew."""
    git_entries: list[str] = field(default_factory=list)
    """`.git` files and folders below the top."""
    unread: list[str] = field(default_factory=list)
    """Folders nested too deeply, or closed to us."""

    def hides(self, path: str) -> bool:
        """Whether the lower folder's `path` cannot be seen through the layer."""
        return path in self.hidden or any(parent in self.hidden for parent in parents(path))

    def outline(self) -> "Outline":
        """What must be equal for two readings to count as the same."""
        return {path: fingerprint(status) for path, status in self.files.items()}, self.folders, self.hidden

    def is_settled(self, now_ns: int) -> bool:
        """Whether no file changed so recently that it could change again without its times telling."""
        return all(is_settled(status, now_ns) for status in self.files.values())


def fingerprint(status: os.stat_result) -> Fingerprint:
    """What changes with a file's content."""
    return (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def is_settled(status: os.stat_result, now_ns: int) -> bool:
    """Whether a change after `now_ns` must show in the file's change time, which no command can set back."""
    return status.st_ctime_ns < now_ns - _SETTLED_NS


def read_upper(folder: Path, *, leave_out: Container[str] = ()) -> Upper:
    """Read an upper folder. Blocks. Folders in `leave_out`, and everything named `.git`, are not entered."""
    found = Upper()
    root = os.open(folder, _OPEN_FOLDER)
    stack = [(root, "", _names(root))]
    try:
        while stack:
            descriptor, path, names = stack[-1]
            name = next(names, None)
            if name is None:
                os.close(stack.pop()[0])
            elif (deeper := _look(found, descriptor, name, f"{path}{name}", leave_out)) is not None:
                if len(stack) >= _MAX_DEPTH or len(os.fsencode(path)) > _MAX_PATH_BYTES:
                    os.close(deeper)
                    found.unread.append(f"{path}{name}")
                else:
                    stack.append((deeper, f"{path}{name}/", _names(deeper)))
    finally:
        for descriptor, _, _ in stack:
            os.close(descriptor)
    return found


def _names(folder: int) -> Iterator[str]:
    return iter(os.listdir(folder))


def _look(found: Upper, folder: int, name: str, path: str, leave_out: Container[str]) -> int | None:
    """Take down one entry; gives the descriptor of a folder to enter."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    is_gone = stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
    if name.lower() == ".git":
        if "/" in path and not is_gone:
            found.git_entries.append(path)
        return None
    if path in leave_out:
        return None
    if stat.S_ISDIR(status.st_mode):
        return _enter(found, folder, name, path)
    # Whatever is no folder hides what is below; a device, pipe or socket is in no tree, like a deletion.
    found.hidden.add(path)
    if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
        found.files[path] = status
    return None


def _enter(found: Upper, folder: int, name: str, path: str) -> int | None:
    found.folders.add(path)
    try:
        descriptor = os.open(name, _OPEN_FOLDER, dir_fd=folder)
    except OSError:
        found.unread.append(path)
        return None
    with suppress(OSError):
        if os.getxattr(descriptor, OPAQUE) == b"y":
            found.hidden.add(path)
    return descriptor
