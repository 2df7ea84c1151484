"""Putting files into the upper folder of a layer that is not mounted, as the kernel would have put them there."""

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from glmcode_sandbox.beneath import opened, parent_of, parts_of, status
from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_sandbox.git.trees import Difference, TreeStore, parents
from glmcode_sandbox.threads import finished, remove_folder
from glmcode_sandbox.workspaces.overlay import OPAQUE


async def lay(
    store: TreeStore, trees: tuple[str, str], lower: Path, upper: Path, owner: tuple[int, int], scratch: Path
) -> None:
    """Change what shows through a layer from one tree (old, new) to another; `scratch` is on `upper`'s file system.

    The layer must not be mounted. Raises WorkspaceError.
    """
    old, new = trees
    differences = await store.differences(old, new)
    staged = scratch / f"staged-{secrets.token_hex(4)}"
    try:
        await store.check_out(new, [item.path for item in differences if item.new is not None], staged, scratch)
        await finished(lambda: _lay(differences, staged, lower, upper, owner))
    except OSError as error:
        raise WorkspaceError(f"the workspace cannot be written: {error.strerror}: free disk space below it") from error
    finally:
        await remove_folder(staged)


def _lay(differences: Sequence[Difference], staged: Path, lower: Path, upper: Path, owner: tuple[int, int]) -> None:
    with ExitStack() as stack:
        layer = _Layer(stack.enter_context(opened(lower)), stack.enter_context(opened(upper)), owner)
        source = stack.enter_context(opened(staged))
        for item in differences:
            if item.new is None:
                layer.delete(parts_of(item.path))
        for folder in _emptied(differences):
            layer.delete_empty(parts_of(folder))
        for item in differences:
            if item.new is not None:
                layer.put(source, parts_of(item.path))


def _emptied(differences: Sequence[Difference]) -> list[str]:
    """Folders that may have nothing left in them, the deepest first."""
    kept = {parent for item in differences if item.new is not None for parent in parents(item.path)}
    above = {parent for item in differences if item.new is None for parent in parents(item.path)}
    return sorted(above - kept, key=lambda path: -path.count("/"))


class _Layer:
    """Lower and upper folder by their descriptors."""

    def __init__(self, lower: int, upper: int, owner: tuple[int, int]) -> None:
        self._lower = lower
        self._upper = upper
        self._owner = owner if os.geteuid() == 0 else None

    def delete(self, parts: tuple[str, ...]) -> None:
        """Make a file not be there."""
        held = status(self._upper, parts)
        if held is not None and not stat.S_ISDIR(held.st_mode):
            with parent_of(self._upper, parts) as folder:
                os.unlink(parts[-1], dir_fd=folder)
        if (held is None or not stat.S_ISDIR(held.st_mode)) and self._shows(parts) is not None:
            self._hide(parts)

    def delete_empty(self, parts: tuple[str, ...]) -> None:
        """Make a folder not be there if nothing shows in it."""
        below = self._shows(parts)
        names = set(self._names(self._lower, parts)) if below is not None and stat.S_ISDIR(below.st_mode) else set()
        held = status(self._upper, parts)
        if held is not None and stat.S_ISDIR(held.st_mode):
            for name in self._names(self._upper, parts):
                if not _is_whiteout(status(self._upper, (*parts, name))):
                    return
                names.discard(name)
        if names or (held is None and below is None):
            return
        if held is not None and stat.S_ISDIR(held.st_mode):
            self._remove_folder(parts)
        if below is not None and stat.S_ISDIR(below.st_mode):
            self._hide(parts)

    def put(self, source: int, parts: tuple[str, ...]) -> None:
        """Move the staged file there."""
        for length in range(1, len(parts)):
            self._make_folder(parts[:length])
        held = status(self._upper, parts)
        if held is not None and stat.S_ISDIR(held.st_mode):
            self._remove_folder(parts)
        with parent_of(source, parts) as staged, parent_of(self._upper, parts) as folder:
            if self._owner is not None:
                os.chown(parts[-1], *self._owner, dir_fd=staged, follow_symlinks=False)
            os.replace(parts[-1], parts[-1], src_dir_fd=staged, dst_dir_fd=folder)

    def _shows(self, parts: tuple[str, ...]) -> os.stat_result | None:
        """What of the lower folder is at a path, if nothing of the upper one above it hides it."""
        for length in range(1, len(parts)):
            held = status(self._upper, parts[:length])
            if held is None:
                break
            if not stat.S_ISDIR(held.st_mode) or self._is_opaque(parts[:length]):
                return None
        with suppress(OSError):
            return status(self._lower, parts)
        return None

    def _is_opaque(self, parts: tuple[str, ...]) -> bool:
        with parent_of(self._upper, (*parts, "")) as folder, suppress(OSError):
            return os.getxattr(folder, OPAQUE) == b"y"
        return False

    def _hide(self, parts: tuple[str, ...]) -> None:
        for length in range(1, len(parts)):
            self._make_folder(parts[:length])
        with parent_of(self._upper, parts) as folder:
            os.mknod(parts[-1], stat.S_IFCHR, 0, dir_fd=folder)

    def _make_folder(self, parts: tuple[str, ...]) -> None:
        """A folder in the upper one: like that of the lower one, or one that hides what was there."""
        held = status(self._upper, parts)
        if held is not None and stat.S_ISDIR(held.st_mode):
            return
        below = self._shows(parts) if held is None else None
        with parent_of(self._upper, parts) as folder:
            if held is not None:
                os.unlink(parts[-1], dir_fd=folder)
            os.mkdir(parts[-1], 0o755, dir_fd=folder)
        with parent_of(self._upper, (*parts, "")) as made:
            if below is not None and stat.S_ISDIR(below.st_mode):
                if self._owner is not None:
                    os.fchown(made, below.st_uid, below.st_gid)
                os.fchmod(made, stat.S_IMODE(below.st_mode) & 0o3777 | 0o700)
                return
            os.setxattr(made, OPAQUE, b"y")
            if self._owner is not None:
                os.fchown(made, *self._owner)

    def _remove_folder(self, parts: tuple[str, ...]) -> None:
        """A folder of the upper one in which nothing shows."""
        for name in self._names(self._upper, parts):
            inner = (*parts, name)
            held = status(self._upper, inner)
            if held is not None and stat.S_ISDIR(held.st_mode):
                self._remove_folder(inner)
            elif _is_whiteout(held):
                with parent_of(self._upper, inner) as folder:
                    os.unlink(name, dir_fd=folder)
            else:
                raise WorkspaceError(f"{'/'.join(inner)} is in the way")
        with parent_of(self._upper, parts) as folder:
            os.rmdir(parts[-1], dir_fd=folder)

    def _names(self, root: int, parts: tuple[str, ...]) -> list[str]:
        with parent_of(root, (*parts, "")) as folder:
            return [entry.name for entry in os.scandir(folder)]


def _is_whiteout(held: os.stat_result | None) -> bool:
    return held is not None and stat.S_ISCHR(held.st_mode) and held.st_rdev == 0
