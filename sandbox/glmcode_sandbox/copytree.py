"""A private copy of a folder: contents, modes, times and owners, sharing nothing writable with the original."""

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_MAX_DEPTH = 200
_CHUNK = 1 << 26
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class CopyReport:
    """What was copied, and what was not. `skipped` holds `PATH: reason` lines, untrusted names in them."""

    files: int = 0
    bytes: int = 0
    skipped: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Level:
    """One folder on the way down. The entries are read as they are needed."""

    path: str
    source: int
    target: int
    entries: Iterator[str]


def copy_tree(
    source: Path, target: Path, *, leave_out: frozenset[str] = frozenset(), stop: threading.Event | None = None
) -> CopyReport:
    """Copy the folder `source` to the new folder `target`, like `cp -a` without devices, pipes and sockets.

    `leave_out` names entries at the top. Blocks are shared with the original where the file system can (copy on
    write), never inodes. Links are copied, not followed: every step goes through a folder's descriptor, so nobody
    who changes `source` meanwhile can lead the copy elsewhere. What cannot be read is skipped and reported.
    Owners are kept when running as root. Once `stop` is set it ends early. Raises OSError where `target` cannot be
    written.
    """
    report = CopyReport()
    target.mkdir(mode=0o700)
    stack = [_enter(os.open(source, _OPEN_FOLDER), os.open(target, _OPEN_FOLDER), "")]
    try:
        while stack and not (stop is not None and stop.is_set()):
            level = stack[-1]
            name = next(level.entries, None)
            if name is None:
                _leave(stack.pop())
            elif level.path or name not in leave_out:
                deeper = _copy_entry(level, name, len(stack), report)
                if deeper is not None:
                    stack.append(deeper)
    finally:
        for level in stack:
            os.close(level.source)
            os.close(level.target)
    return report


def _enter(source: int, target: int, path: str) -> _Level:
    return _Level(path, source, target, iter(os.listdir(source)))


def _leave(level: _Level) -> None:
    try:
        _dress(level.target, os.fstat(level.source))
    finally:
        os.close(level.source)
        os.close(level.target)


def _copy_entry(level: _Level, name: str, depth: int, report: CopyReport) -> _Level | None:
    path = f"{level.path}{name}"
    try:
        status = os.stat(name, dir_fd=level.source, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            if depth >= _MAX_DEPTH:
                report.skipped.append(f"{path}: nested too deeply")
                return None
            return _copy_folder(level, name, path)
        if stat.S_ISLNK(status.st_mode):
            copy_link(level.source, level.target, name, status)
        elif stat.S_ISREG(status.st_mode):
            report.bytes += copy_file(level.source, level.target, name)
        else:
            report.skipped.append(f"{path}: a device, pipe or socket")
            return None
        report.files += 1
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
            raise
        report.skipped.append(f"{path}: {error.strerror}")
    return None


def _copy_folder(level: _Level, name: str, path: str) -> _Level:
    source = os.open(name, _OPEN_FOLDER, dir_fd=level.source)
    try:
        os.mkdir(name, 0o700, dir_fd=level.target)
        target = os.open(name, _OPEN_FOLDER, dir_fd=level.target)
    except BaseException:
        os.close(source)
        raise
    return _enter(source, target, f"{path}/")


def copy_link(source: int, target: int, name: str, status: os.stat_result) -> None:
    """Copy the symbolic link `name` from one open folder to another. Blocks. Raises OSError."""
    os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
    if os.geteuid() == 0:
        os.chown(name, status.st_uid, status.st_gid, dir_fd=target, follow_symlinks=False)
    times = (status.st_atime_ns, status.st_mtime_ns)
    os.utime(name, ns=times, dir_fd=target, follow_symlinks=False)


def copy_file(source: int, target: int, name: str) -> int:
    """Copy the regular file `name` from one open folder to another; gives the bytes. Blocks. Raises OSError."""
    opened = os.open(name, _OPEN_FILE, dir_fd=source)
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "changed while it was copied")
        made = os.open(name, _CREATE, 0o600, dir_fd=target)
        try:
            copied = _copy_bytes(opened, made, status)
            _dress(made, status)
            return copied
        finally:
            os.close(made)
    finally:
        os.close(opened)


def _dress(target: int, status: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.fchown(target, status.st_uid, status.st_gid)
    mode = stat.S_IMODE(status.st_mode)
    # Folders of a read-only original can be written in the copy; that is what it is for.
    os.fchmod(target, mode & 0o3777 | 0o700 if stat.S_ISDIR(status.st_mode) else mode & 0o1777)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_bytes(source: int, target: int, status: os.stat_result) -> int:
    if status.st_blocks * 512 >= status.st_size:
        return _copy_range(source, target, 0, status.st_size)
    # A sparse file stays one: a terabyte of holes must not fill the disk.
    copied, position = 0, 0
    os.ftruncate(target, status.st_size)
    while position < status.st_size:
        try:
            start = os.lseek(source, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            raise
        position = os.lseek(source, start, os.SEEK_HOLE)
        copied += _copy_range(source, target, start, position)
    return copied


def _copy_range(source: int, target: int, start: int, end: int) -> int:
    position = start
    os.lseek(target, start, os.SEEK_SET)
    with suppress(OSError):
        while position < end:
            count = os.copy_file_range(source, target, min(_CHUNK, end - position), position, position)
            if count == 0:
                break
            position += count
    # Some file systems copy nothing in the kernel (or claim to, and copy zero bytes).
    os.lseek(target, position, os.SEEK_SET)
    while position < end:
        data = os.pread(source, min(1 << 20, end - position), position)
        if not data:
            break
        position += _write_all(target, data)
    return position - start


def _write_all(target: int, data: bytes) -> int:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
    return len(data)
