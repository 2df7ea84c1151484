"""Bringing the difference of two trees into a working tree, unless it changed there too."""

import os
import secrets
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from glmcode_sandbox.beneath import opened, parts_of, status
from glmcode_sandbox.git.gitview import GitView
from glmcode_sandbox.git.trees import Difference, TreeStore
from glmcode_sandbox.threads import finished, remove_folder
from glmcode_sandbox.workspaces.transaction import Transaction, Write


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """What became of the changes."""

    applied: bool
    """False: nothing was written, since there were conflicts or since that was asked for."""
    paths: tuple[str, ...]
    """The files that differ, written if `applied`."""
    conflicts: tuple[str, ...] = ()
    """Those that are no longer in the repository as they were at the start."""


async def apply_changes(
    view: GitView,
    store: TreeStore,
    owner: tuple[int, int],
    trees: tuple[str, str],
    scratch: Path,
    is_doubtful: Callable[[Difference], bool] = lambda _: False,
    *,
    only: frozenset[str] | None = None,
    dry: bool = False,
    aside: str | None = None,
) -> ApplyResult:
    """Make the differences between two trees (old, new) in the working tree of `view`, all or none.

    `scratch` is a folder for temporary files. What `is_doubtful` is a conflict whatever is there. With `only`, just
    those files; with `dry`, conflicts are looked for and nothing is written. `aside`: see `Transaction`. Raises
    WorkspaceError when writing fails; all is as before then.
    """
    old, new = trees
    differences = [item for item in await store.differences(old, new) if only is None or item.path in only]
    paths = tuple(item.path for item in differences)
    if not differences:
        return ApplyResult(applied=True, paths=())
    writes, conflicts = await _compare(view, differences)
    conflicts = tuple(sorted({*conflicts, *(item.path for item in differences if is_doubtful(item))}))
    if conflicts or dry:
        return ApplyResult(applied=False, paths=paths, conflicts=conflicts)
    staged = scratch / f"staged-{secrets.token_hex(4)}"
    try:
        await store.check_out(new, [item.path for item in differences if item.new is not None], staged, scratch)
        transaction = Transaction(view.work_tree, staged, owner, aside=aside)
        await finished(lambda: transaction.run(writes))
    finally:
        await remove_folder(staged)
    return ApplyResult(applied=True, paths=paths)


async def _compare(view: GitView, differences: Sequence[Difference]) -> tuple[list[Write], tuple[str, ...]]:
    deleted = [item.path for item in differences if item.new is None]
    writes: list[Write] = []
    conflicts: set[str] = set()
    with opened(view.work_tree) as root:
        for item in differences:
            try:
                seen = status(root, parts_of(item.path))
            except OSError:
                conflicts.add(item.path)
                continue
            if item.old is None and seen is not None and _makes_room(item.path, seen, deleted):
                seen = None
            if (seen is None) != (item.old is None):
                conflicts.add(item.path)
            writes.append(Write(item.path, seen, item.new[0] if item.new else None))
    known = [item for item in differences if item.old is not None and item.path not in conflicts]
    present = await view.entries([item.path for item in known])
    conflicts |= {item.path for item in known if present.get(item.path) != item.old}
    return writes, tuple(sorted(conflicts))


def _makes_room(path: str, seen: os.stat_result, deleted: Sequence[str]) -> bool:
    # A folder in the way of a new file is no conflict if the same changes empty it.
    return stat.S_ISDIR(seen.st_mode) and any(other.startswith(f"{path}/") for other in deleted)
