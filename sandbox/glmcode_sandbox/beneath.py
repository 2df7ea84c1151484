"""Reaching files below a folder without following a symbolic link out of it, whoever moves things meanwhile."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def parts_of(path: str) -> tuple[str, ...]:
    """The components of a relative path as git writes it.

    Raises ValueError for a path that leaves its folder or enters a git folder.
    """
    parts = tuple(path.split("/"))
    if any(part in ("", ".", "..") or part.lower() == ".git" or "\0" in part for part in parts):
        raise ValueError(f"not a path inside a working tree: {path!r}")
    return parts


@contextmanager
def opened(folder: str | os.PathLike[str]) -> Iterator[int]:
    """A file descriptor of a folder, for `dir_fd`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def parent_of(root: int, parts: Sequence[str]) -> Iterator[int]:
    """A file descriptor of the folder that holds the last of `parts`, each component opened without following links.

    Raises the OSError of the component that is missing, no folder, or a link.
    """
    descriptor = os.dup(root)
    try:
        for part in parts[:-1]:
            deeper = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = deeper
        yield descriptor
    finally:
        os.close(descriptor)


def status(root: int, parts: Sequence[str]) -> os.stat_result | None:
    """What is at a path, its own link not followed; None where nothing is or a parent is a file.

    Raises OSError where a parent is a symbolic link or may not be searched.
    """
    try:
        with parent_of(root, parts) as folder:
            return os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        # O_NOFOLLOW with O_DIRECTORY says "not a directory" for a link as well.
        if _behind_link(root, parts):
            raise
        return None


def _behind_link(root: int, parts: Sequence[str]) -> bool:
    for length in range(1, len(parts)):
        try:
            with parent_of(root, parts[:length]) as folder:
                mode = os.stat(parts[length - 1], dir_fd=folder, follow_symlinks=False).st_mode
        except OSError:
            return False
        if mode & 0o170000 == 0o120000:
            return True
    return False


def give(root: int, paths: Sequence[str], owner: tuple[int, int]) -> None:
    """Hand files and the folders above them, as far as they are ours, to `owner`; what is gone is passed over."""
    mine = os.geteuid()
    if mine == owner[0] or mine != 0:
        return
    for path in paths:
        parts = parts_of(path)
        for length in range(1, len(parts) + 1):
            with suppress(OSError), parent_of(root, parts[:length]) as folder:
                name = parts[length - 1]
                if os.stat(name, dir_fd=folder, follow_symlinks=False).st_uid == mine:
                    os.chown(name, *owner, dir_fd=folder, follow_symlinks=False)


def read_beneath(root: int, parts: Sequence[str], max_bytes: int) -> bytes:
    """The bytes of a regular file, reached without following a link.

    Raises OSError where it is missing or cannot be read, ValueError where it is no regular file or too large.
    """
    with parent_of(root, parts) as folder:
        # Not blocking: a named pipe would wait for its other end.
        descriptor = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"not a regular file: {'/'.join(parts)!r}")
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ValueError(f"larger than {max_bytes} bytes: {'/'.join(parts)!r}")
    return data
