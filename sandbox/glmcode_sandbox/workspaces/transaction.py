"""Writing a set of changes into a folder all or nothing, never through a symbolic link."""

import os
import secrets
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from glmcode_sandbox.beneath import opened, parent_of, parts_of, status
from glmcode_sandbox.git.gitrun import WorkspaceError


def new_aside() -> str:
    """A name for a folder that is in nobody's way, and whose owner can tell that it is theirs after a crash."""
    return f".glmcode-apply-{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class Write:
    """What is to become of one path."""

    path: str
    seen: os.stat_result | None
    """What was there when it was looked at; None where nothing may be."""
    new_mode: str | None
    """git's mode of the new file (100644, 100755, 120000); None to delete."""


class Transaction:
    """Moves staged files into `root` and what was there aside, and back again when anything fails."""

    def __init__(self, root: Path, staged: Path, owner: tuple[int, int], *, aside: str | None = None) -> None:
        """`aside` names the folder in `root` that holds things meanwhile, see `new_aside`; it must not be there yet."""
        self._root = root
        self._staged = staged
        self._owner = owner if os.geteuid() == 0 else None
        self._undo: list[Callable[[], None]] = []
        self._store_name = aside or new_aside()

    def run(self, writes: Sequence[Write]) -> None:
        """Do all of `writes`, or nothing. New contents are read below `staged`, under the same relative paths.

        Raises WorkspaceError after everything was put back.
        """
        with ExitStack() as stack:
            try:
                root = stack.enter_context(opened(self._root))
                os.mkdir(self._store_name, 0o700, dir_fd=root)
                store = stack.enter_context(opened(self._root / self._store_name))
            except OSError as error:
                raise WorkspaceError(
                    f"{self._root} cannot be written: {error.strerror}; nothing was applied"
                ) from error
            try:
                self._run(root, store, writes)
            except (OSError, WorkspaceError) as error:
                self._roll_back(root, store)
                raise WorkspaceError(f"nothing was applied to {self._root}: {error}") from error
            except BaseException:
                self._roll_back(root, store)
                raise
            self._empty_store(root, store)

    def _run(self, root: int, store: int, writes: Sequence[Write]) -> None:
        for number, write in enumerate(writes):
            if write.new_mode is not None:
                self._stage(store, f"new{number}", write)
        for number, write in enumerate(writes):
            if write.seen is not None:
                self._set_aside(root, store, f"old{number}", write)
        kept = {parent for write in writes if write.new_mode for parent in _parents(write.path)}
        for write in writes:
            if write.new_mode is None:
                self._prune(root, write.path, kept)
        for number, write in enumerate(writes):
            if write.new_mode is not None:
                self._put(root, store, f"new{number}", write)

    def _stage(self, store: int, name: str, write: Write) -> None:
        source = self._staged / write.path
        if write.new_mode == "120000":
            # Path.readlink would tidy the text of the link.
            os.symlink(os.readlink(source), name, dir_fd=store)  # noqa: PTH115
        else:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=store)
            with os.fdopen(descriptor, "wb") as target, source.open("rb") as content:
                while chunk := content.read(1 << 20):
                    target.write(chunk)
                os.fchmod(target.fileno(), self._mode(source, write))
        if self._owner is not None:
            old = write.seen
            owner = (old.st_uid, old.st_gid) if old is not None else self._owner
            os.chown(name, *owner, dir_fd=store, follow_symlinks=False)

    def _mode(self, source: Path, write: Write) -> int:
        mode = stat.S_IMODE(source.lstat().st_mode)
        if write.seen is None or not stat.S_ISREG(write.seen.st_mode):
            return mode
        kept = stat.S_IMODE(write.seen.st_mode) & 0o777
        return kept | (kept & 0o444) >> 2 if write.new_mode == "100755" else kept & ~0o111

    def _set_aside(self, root: int, store: int, name: str, write: Write) -> None:
        parts = parts_of(write.path)
        with parent_of(root, parts) as folder:
            now = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
            if write.seen is None or fingerprint(now) != fingerprint(write.seen):
                raise WorkspaceError(f"{write.path} changed at this moment")
            os.rename(parts[-1], name, src_dir_fd=folder, dst_dir_fd=store)

        def back() -> None:
            with parent_of(root, parts) as folder:
                os.rename(name, parts[-1], src_dir_fd=store, dst_dir_fd=folder)

        self._undo.append(back)

    def _prune(self, root: int, path: str, kept: set[str]) -> None:
        for parent in reversed(list(_parents(path))):
            if parent in kept or not self._remove_empty(root, parts_of(parent)):
                return

    def _remove_empty(self, root: int, parts: tuple[str, ...]) -> bool:
        try:
            with parent_of(root, parts) as folder:
                was = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
                os.rmdir(parts[-1], dir_fd=folder)
        except OSError:
            return False

        def back() -> None:
            with parent_of(root, parts) as folder:
                os.mkdir(parts[-1], stat.S_IMODE(was.st_mode), dir_fd=folder)
                with suppress(OSError):
                    os.chown(parts[-1], was.st_uid, was.st_gid, dir_fd=folder, follow_symlinks=False)

        self._undo.append(back)
        return True

    def _put(self, root: int, store: int, name: str, write: Write) -> None:
        parts = parts_of(write.path)
        for length in range(1, len(parts)):
            self._make_folder(root, parts[:length])
        if status(root, parts) is not None:
            raise WorkspaceError(f"{write.path} appeared at this moment")
        with parent_of(root, parts) as folder:
            os.rename(name, parts[-1], src_dir_fd=store, dst_dir_fd=folder)

        def back() -> None:
            with parent_of(root, parts) as folder:
                os.rename(parts[-1], name, src_dir_fd=folder, dst_dir_fd=store)

        self._undo.append(back)

    def _make_folder(self, root: int, parts: tuple[str, ...]) -> None:
        with parent_of(root, parts) as folder:
            try:
                os.mkdir(parts[-1], dir_fd=folder)
            except FileExistsError:
                return
            if self._owner is not None:
                os.chown(parts[-1], *self._owner, dir_fd=folder, follow_symlinks=False)

        def back() -> None:
            with parent_of(root, parts) as folder:
                os.rmdir(parts[-1], dir_fd=folder)

        self._undo.append(back)

    def _roll_back(self, root: int, store: int) -> None:
        try:
            while self._undo:
                self._undo.pop()()
        except OSError as error:
            raise WorkspaceError(
                f"{self._root} could not be put back ({error}): the files as they were are in {self._store_name} there"
            ) from error
        self._empty_store(root, store)

    def _empty_store(self, root: int, store: int) -> None:
        with suppress(OSError):
            for name in os.listdir(store):
                os.unlink(name, dir_fd=store)
            os.rmdir(self._store_name, dir_fd=root)


def fingerprint(was: os.stat_result) -> tuple[int, ...]:
    """What must be equal for a file to count as untouched between two looks."""
    return (was.st_dev, was.st_ino, was.st_mode, was.st_size, was.st_mtime_ns, was.st_ctime_ns)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]
