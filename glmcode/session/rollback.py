"""Taking back what was killed while it moved files of the repository: a restore, a review, or a run at its end."""

import shutil
from pathlib import Path

from glmcode.session.marks import Restoring, RolledBack
from glmcode.session.store import FILE_NAME, Session, records
from glmcode.session.timeline import TREES_NAME
from glmcode_sandbox.git.trees import TreeStore
from glmcode_sandbox.threads import finished
from glmcode_sandbox.workspace import open_workspace
from glmcode_sandbox.workspaces.recover import discard

MOVING_NAME = "moving"
"""The folder in a session's folder for the workspace that moves files of the repository; apart from that of a run."""


async def roll_back(session: Session) -> tuple[str, ...] | None:
    """Put back what a killed process had moved; None where there was none.

    Gives the files that someone changed after that, which stay as they are. Raises WorkspaceError.
    """
    killed = _killed(session.folder / FILE_NAME)
    if killed is None:
        return None
    repo = Path(session.header.repo)
    state, trees = session.folder / MOVING_NAME, session.folder / TREES_NAME
    await discard(state)
    # All of its contents are in the trees, too.
    await finished(lambda: shutil.rmtree(repo / killed.aside, ignore_errors=True))
    store = TreeStore(trees)
    async with await open_workspace(repo, "direct", state_dir=state, trees=trees) as workspace:
        present = await store.joined(workspace.start_tree, workspace.start_ignored, session.folder)
        foreign = await _changed_since(store, present, killed)
        paths = frozenset(killed.paths) - foreign
        result = await workspace.move((present, killed.before), paths, aside=killed.aside)
    if result.applied:
        session.append_record(RolledBack(id=killed.id))
    return tuple(sorted({*foreign, *result.conflicts}))


def _killed(path: Path) -> Restoring | None:
    begun: Restoring | None = None
    for record in records(path):
        if record.get("kind") == "restoring":
            begun = Restoring.model_validate(record)
        elif record.get("kind") in ("restored", "rolled_back", "reviewed", "result"):
            begun = None
    return begun


async def _changed_since(store: TreeStore, present: str, killed: Restoring) -> set[str]:
    """The files that are neither as before the restore, nor as after it, nor away."""
    to_before = await store.differences(present, killed.before)
    to_after = {item.path for item in await store.differences(present, killed.tree)}
    return {item.path for item in to_before if item.old is not None and item.path in to_after} & set(killed.paths)
