"""Snapshots of the workspace between the steps of a turn, taken while the model thinks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from glmcode.session.marks import SnapshotTaken, WorkspaceOpened
from glmcode.session.store import Session
from glmcode_sandbox.git.gitrun import WorkspaceError


class Recorded(Protocol):
    """What of a workspace snapshots need; see `glmcode_sandbox.workspace.Workspace`."""

    mode: Literal["direct", "isolated"]
    start_tree: str
    start_ignored: str | None

    async def ready(self) -> None: ...

    async def tree(self, *, quick: bool = False) -> str: ...

    async def ignored_tree(self, *, quick: bool = False) -> str | None: ...


@dataclass(frozen=True, slots=True)
class _Due:
    """A state that is to be taken."""

    since: int
    step: int
    calls: tuple[str, ...] = ()


class Snapshots:
    """Ties the states of a workspace to the steps of a session.

    A call that can write and the taking of a state exclude each other, so no snapshot is of a state in between: the
    next such call waits for the snapshot of the last one, which is over long before the model has answered. Only two
    things are not waited for: calls that directly follow one another in one answer share the snapshot after the last
    of them, and while a large repository is still being read for the first time, calls run; the first snapshot then
    says which steps it covers. Reading calls wait for nothing.
    """

    def __init__(self, session: Session, workspace: Recorded | None = None, *, carried: bool = False) -> None:
        """Without a workspace nothing is taken. `carried`: it holds earlier changes from the start on."""
        self._session = session
        self._workspace = workspace
        self._carried = carried
        self._opened = False
        self._steps_before = session.steps
        self.last: str | None = None
        """The state that was taken last; None where it is not known."""
        self.found: str | None = None
        """The state that the last prompt found."""
        self.last_ignored: str | None = None
        self.found_ignored: str | None = None
        """The same of small ignored files."""
        self._due: _Due | None = None
        self._files = asyncio.Lock()
        self._work: asyncio.Task[None] | None = None
        self.tell: Callable[[str], None] = lambda _: None
        """Called when a state could not be taken, with the reason."""

    def begin_turn(self) -> None:
        """The state that the next prompt finds is due."""
        if self._opened or self._carried:
            self._due = _Due(self._session.steps, self._session.steps)
        self._begin()

    @asynccontextmanager
    async def writing(self, call_id: str) -> AsyncIterator[None]:
        """Around a call that can write: begins when the state before it is taken, and makes the one after it due."""
        if self._workspace is None:
            yield
            return
        step = self._session.steps
        async with self._files:
            try:
                yield
            finally:
                due = self._due if self._due is not None and self._due.calls else _Due(step, step)
                self._due = _Due(due.since, step, (*due.calls, call_id))
                self._begin()

    async def settle(self) -> None:
        """Wait until nothing is due, even when the waiting is cancelled: the turn is at its end anyway."""
        while self._work is not None and not self._work.done():
            try:
                await asyncio.wait([self._work])
            except asyncio.CancelledError:
                continue
        if self._work is not None and not self._work.cancelled():
            self._work.result()

    def _begin(self) -> None:
        if self._workspace is not None and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._take_due(self._workspace))

    async def _take_due(self, workspace: Recorded) -> None:
        try:
            await workspace.ready()
            self._open(workspace)
        except (WorkspaceError, OSError):
            return  # whoever needs the workspace is told by itself
        while self._due is not None:
            async with self._files:
                due, self._due = self._due, None
                await self._take(workspace, due)

    def _open(self, workspace: Recorded) -> None:
        if not self._opened:
            self._opened = True
            self.last = self.found = workspace.start_tree
            self.last_ignored = self.found_ignored = ignored = workspace.start_ignored
            opened = WorkspaceOpened(
                step=self._steps_before, mode=workspace.mode, start=workspace.start_tree, ignored=ignored
            )
            self._session.append_record(opened)

    async def _take(self, workspace: Recorded, due: _Due) -> None:
        tree, ignored, problem = None, None, ""
        try:
            # What no call of the model's made may be found at the beginning of a turn only.
            tree = await workspace.tree(quick=bool(due.calls))
            ignored = await workspace.ignored_tree(quick=bool(due.calls))
        except (WorkspaceError, OSError) as error:
            problem = str(error)
            self.tell(f"no snapshot after step {due.step}: {problem}")
        if tree is None or (tree, ignored) != (self.last, self.last_ignored):
            record = SnapshotTaken(
                step=due.step, since=due.since, calls=due.calls, tree=tree, ignored=ignored, problem=problem
            )
            self._session.append_record(record)
        self.last, self.last_ignored = tree, ignored
        if not due.calls:
            self.found, self.found_ignored = tree, ignored
