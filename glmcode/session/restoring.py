"""Going back: the user's files, the conversation, or both, as they were after an earlier step."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmcode.session import marks
from glmcode.session.ignored import ignored_at, ignored_timeline
from glmcode.session.keeping import keep_trees
from glmcode.session.marks import Restored
from glmcode.session.rollback import MOVING_NAME, roll_back
from glmcode.session.store import FILE_NAME, PATCH_NAME, Session, SessionError, records
from glmcode.session.timeline import TREES_NAME, Point, Timeline, read_timeline
from glmcode.session.unapplied import WORKSPACE_NAME
from glmcode_sandbox.git.trees import FileChange, TreeStore
from glmcode_sandbox.workspace import Workspace, open_workspace
from glmcode_sandbox.workspaces.recover import discard, left_behind
from glmcode_sandbox.workspaces.transaction import new_aside
from glmcode_tools.filetext import display_name


@dataclass(frozen=True, slots=True)
class Plan:
    """What going back would do to the files."""

    old: str
    """How the session knows the repository; of changes that wait to be applied, the session's own state."""
    new: str
    files: tuple[FileChange, ...]
    conflicts: tuple[str, ...]
    """Those of `files` that the user changed meanwhile."""

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(change.path for change in self.files)


async def plan_files(
    timeline: Timeline, point: Point, store: TreeStore, scratch: Path, only: frozenset[str] = frozenset()
) -> Plan:
    """The files that the session changed since a point. What only the user changed since stays as it is.

    `only` leaves all others as they are.

    Raises SessionError, WorkspaceError.
    """
    if timeline.there is None or timeline.end is None or point.tree is None:
        raise SessionError("how the files are now is not known to this session: go on with --resume first")
    users: set[str] = set()
    own: set[str] = set()
    for place, change in enumerate(timeline.changes):
        since = place >= point.place
        if since or (change.by_session and timeline.waiting):
            touched = {item.path for item in await store.differences(change.old, change.new)}
            (own if change.by_session else users).update(touched)
    files = await store.changes(timeline.there, point.tree)
    files = tuple(change for change in files if change.path not in users or change.path in own)
    if only and not timeline.waiting:
        files = tuple(change for change in files if change.path in only)
    conflicts = tuple(change.path for change in files if change.path in users)
    if not timeline.waiting:
        return Plan(timeline.there, point.tree, files, conflicts)
    new = await store.mixed(timeline.there, point.tree, frozenset(change.path for change in files), scratch)
    if only:
        new = await store.mixed(timeline.end, new, only, scratch)
        conflicts = tuple(path for path in conflicts if path in only)
    return Plan(timeline.end, new, await store.changes(timeline.end, new), conflicts)


async def plan_all(
    lines: Sequence[dict[str, Any]], to: str, store: TreeStore, scratch: Path, only: frozenset[str] = frozenset()
) -> Plan:
    """See `plan_files`, for the small ignored files of the user's repository too."""
    timeline = read_timeline(lines)
    plan = await plan_files(timeline, timeline.point(to), store, scratch, only)
    ignored = ignored_timeline(lines)
    known = ignored_at(ignored, to) is not None and ignored.there is not None and ignored.end is not None
    if timeline.waiting or not known:
        return plan
    more = await plan_files(ignored, ignored.point(to), store, scratch, only)
    if not more.files:
        return plan
    old, new = await store.joined(plan.old, more.old, scratch), await store.joined(plan.new, more.new, scratch)
    paths = plan.paths | more.paths
    files = tuple(change for change in await store.changes(old, new) if change.path in paths)
    return Plan(old, new, files, tuple(sorted({*plan.conflicts, *more.conflicts})))


class Restoring:
    """One way back, prepared. Made by `open_restoring`."""

    def __init__(self, session: Session, timeline: Timeline, to: str, plan: Plan, workspace: Workspace | None) -> None:
        self.plan = plan
        self._session = session
        self._timeline = timeline
        self._to = to
        self._workspace = workspace
        """The user's repository; None where it is left alone."""

    @property
    def waits(self) -> bool:
        """Whether the repository is left alone, since the session's changes were never applied."""
        return self._workspace is None and self._timeline.waiting

    async def conflicts(self) -> tuple[str, ...]:
        """The files of the plan that are no longer as the session left them."""
        if self._workspace is None:
            return self.plan.conflicts
        plan = self.plan
        result = await self._workspace.move((plan.old, plan.new), plan.paths, dry=True)
        return tuple(sorted({*plan.conflicts, *result.conflicts}))

    async def restore(self, *, files: bool, conversation: bool, overwrite: bool = False) -> str:
        """Do it, all or nothing; gives the id of the point that undoes it. Raises SessionError, WorkspaceError."""
        made = f"r{len(self._timeline.restores) + 1}"
        moved = _Moved()
        if files and not overwrite and (found := await self.conflicts()):
            raise SessionError(in_the_way(found))
        if files and self._workspace is not None:
            moved = await self._move(made, self._workspace)
        elif files:
            moved = _Moved(self.plan.old, self.plan.new)
            await self._renew_patch(self.plan.new)
        self._session.append_record(
            Restored(
                id=made,
                to=self._to,
                conversation=conversation,
                files=files,
                before=moved.before,
                tree=moved.after,
                ignored_before=moved.ignored_before,
                ignored=moved.ignored,
                waits=files and self._workspace is None,
            )
        )
        return made

    async def _move(self, made: str, workspace: Workspace) -> "_Moved":
        tree, ignored = await workspace.tree(), await workspace.ignored_tree()
        before, aside = await workspace.trees.joined(tree, ignored, self._session.folder), new_aside()
        new, paths = self.plan.new, self.plan.paths
        self._session.append_record(
            marks.Restoring(id=made, before=before, tree=new, paths=tuple(sorted(paths)), aside=aside)
        )
        moved = False
        try:
            result = await workspace.move((before, new), paths, aside=aside)
            moved = result.applied
        finally:
            if not moved and not (workspace.repo / aside).exists():
                self._session.append_record(marks.RolledBack(id=made))
        if result.conflicts:
            raise SessionError(in_the_way(result.conflicts))
        return _Moved(tree, await workspace.tree(), ignored, await workspace.ignored_tree())

    async def _renew_patch(self, tree: str) -> None:
        assert self._timeline.there is not None
        patch = await TreeStore(self._session.folder / TREES_NAME).patch(self._timeline.there, tree)
        fresh = self._session.folder / f"{PATCH_NAME}.new"
        fresh.write_bytes(patch)
        fresh.replace(self._session.folder / PATCH_NAME)


@dataclass(frozen=True, slots=True)
class _Moved:
    """The trees of the repository before and after, and those of its small ignored files."""

    before: str | None = None
    after: str | None = None
    ignored_before: str | None = None
    ignored: str | None = None


def in_the_way(paths: tuple[str, ...]) -> str:
    """One line on conflicts."""
    more = f" and {len(paths) - 10} more" if len(paths) > 10 else ""
    return (
        f"nothing was restored, since you changed these since: {', '.join(map(display_name, paths[:10]))}{more}; "
        "put them aside, or pass --overwrite (it can be undone)"
    )


@asynccontextmanager
async def open_restoring(
    session: Session, to: str, *, files: bool = True, only: frozenset[str] = frozenset()
) -> AsyncIterator[Restoring]:
    """Prepare the way back to a point (see `Timeline.point`), of `only` these files where there are any.

    Raises SessionError, WorkspaceError.
    """
    if left := await roll_back(session):
        names = ", ".join(map(display_name, left[:10]))
        raise SessionError(f"a restore was killed, and you changed these since: {names}; put them aside and try again")
    lines = list(records(session.folder / FILE_NAME))
    timeline = read_timeline(lines)
    to = timeline.named(to)
    if not files:
        yield Restoring(session, timeline, to, Plan("", "", (), ()), None)
        return
    store = TreeStore(session.folder / TREES_NAME)
    if left_behind(session.folder / WORKSPACE_NAME):
        raise SessionError(
            f"a killed run left its changes behind: `glmcode run --resume {session.id} PROMPT` goes on with them"
        )
    plan = await plan_all(lines, to, store, session.folder, only)
    if timeline.waiting:
        yield Restoring(session, timeline, to, plan, None)
    else:
        state = session.folder / MOVING_NAME
        await discard(state)
        trees = session.folder / TREES_NAME
        repo = Path(session.header.repo)
        async with await open_workspace(repo, "direct", state_dir=state, trees=trees) as workspace:
            yield Restoring(session, timeline, to, plan, workspace)
    await keep_trees(session.folder)
