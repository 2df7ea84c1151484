"""Carrying out a review: what was accepted stays or arrives, what was refused is taken back, and all of it is told."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmcode.review.decisions import Decisions, Refuse
from glmcode.review.hunks import Review
from glmcode.review.outcome import Outcome, outcome
from glmcode.review.telling import told_to_the_model
from glmcode.session.marks import HunkDecided, Restoring, ReviewEnded, RolledBack
from glmcode.session.store import Session
from glmcode_sandbox.files import RunsCommands
from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_sandbox.workspace import Workspace
from glmcode_sandbox.workspaces.transaction import new_aside

_ID = "review"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What became of a review."""

    applied: bool
    """False: nothing was written and nothing is recorded, since there were conflicts."""
    conflicts: tuple[str, ...]
    """Files that changed since, in the repository or in what commands see. Untrusted."""
    told: str
    """For the model, at the start of the next user message; empty where nothing was decided or applied."""
    agreed_tree: str
    """From which the next review starts."""


async def apply_review(
    workspace: Workspace,
    session: Session,
    review: Review,
    decisions: Decisions,
    *,
    sandbox: RunsCommands | None = None,
) -> Reviewed:
    """Carry out decisions between two turns, all or nothing. What is undecided is asked again by the next review.

    Direct: what was refused or edited is written in the user's files. Isolated: what was accepted or edited goes to
    the user's repository, and what was refused is taken back in what commands see. A layer that a `sandbox` runs on
    must not be written from outside (the kernel does not define what is seen then), so this one is written by
    commands in that sandbox; copies and layers that are not mounted are written by the harness, no link followed.

    Raises ReviewError for decisions that contradict each other, WorkspaceError when writing fails.
    """
    if workspace.mode == "isolated" and review.old != workspace.agreed_tree:
        raise WorkspaceError("the changes were reviewed or applied meanwhile: open the review again")
    with tempfile.TemporaryDirectory(dir=session.folder, prefix="review-") as scratch:
        end = await outcome(workspace.trees, decisions, Path(scratch))
    return await _to_its_end(_Settling(workspace, session, review, end, sandbox).settle(decisions))


async def _to_its_end(work: Coroutine[Any, Any, Reviewed]) -> Reviewed:
    """A cancelled call ends when the work is done: files that were written are recorded."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


class _Settling:
    """The files that a review is about, and the session that keeps what happens to them."""

    def __init__(
        self, workspace: Workspace, session: Session, review: Review, end: Outcome, sandbox: RunsCommands | None
    ) -> None:
        self._workspace = workspace
        self._session = session
        self._review = review
        self._end = end
        self._sandbox = sandbox

    async def settle(self, decisions: Decisions) -> Reviewed:
        workspace, end = self._workspace, self._end
        conflicts = await (self._direct() if workspace.mode == "direct" else self._isolated())
        if conflicts:
            return Reviewed(applied=False, conflicts=conflicts, told="", agreed_tree=workspace.agreed_tree)
        self._session.append_record(_record(decisions, end))
        workspace.agreed_tree = end.agreed
        return Reviewed(applied=True, conflicts=(), told=told_to_the_model(decisions), agreed_tree=end.agreed)

    async def _direct(self) -> tuple[str, ...]:
        """The conflicts; nothing was written where there are any."""
        pair = (self._review.new, self._end.kept)
        paths = await self._between(*pair)

        async def write(aside: str) -> tuple[str, ...]:
            return (await self._workspace.move(pair, paths, aside=aside)).conflicts

        return await self._recorded(*pair, write)

    async def _isolated(self) -> tuple[str, ...]:
        """As `_direct`. The repository comes first: where a kill follows, that is taken back at the next start."""
        pair = (self._review.new, self._end.kept)
        looked = await self._workspace.move(pair, await self._between(*pair), dry=True)
        return looked.conflicts or await self._recorded(self._review.old, self._end.agreed, self._write_both)

    async def _write_both(self, aside: str) -> tuple[str, ...]:
        workspace, pair = self._workspace, (self._review.new, self._end.kept)
        result = await workspace.apply(tree=self._end.agreed, aside=aside)
        if result.conflicts:
            return result.conflicts
        is_moved = False
        try:
            moved = await workspace.move(pair, await self._between(*pair), through=self._sandbox)
            is_moved = not moved.conflicts
        finally:
            if not is_moved:
                await workspace.apply(tree=self._review.old, aside=aside)
        return moved.conflicts

    async def _recorded(
        self, before: str, after: str, write: Callable[[str], Awaitable[tuple[str, ...]]]
    ) -> tuple[str, ...]:
        """The conflicts that `write` gives, with a mark in the session while files of the repository are moved."""
        paths, aside = await self._between(before, after), new_aside()
        if paths:
            self._session.append_record(
                Restoring(id=_ID, before=before, tree=after, paths=tuple(sorted(paths)), aside=aside)
            )
        is_written = False
        try:
            conflicts = await write(aside)
            is_written = not conflicts
        finally:
            if paths and not is_written and not (self._workspace.repo / aside).exists():
                self._session.append_record(RolledBack(id=_ID))
        return conflicts

    async def _between(self, old: str, new: str) -> frozenset[str]:
        return frozenset(item.path for item in await self._workspace.trees.differences(old, new))


def _record(decisions: Decisions, end: Outcome) -> ReviewEnded:
    review = decisions.review
    made = []
    for file, hunk in review.hunks():
        decision = decisions.of(hunk.id)
        if decision is not None:
            reason = decision.reason if isinstance(decision, Refuse) else ""
            lines = (hunk.new_start, hunk.new_count) if hunk.lines else None
            made.append(HunkDecided(path=file.path, hunk=hunk.kind, lines=lines, decision=decision.kind, reason=reason))
    return ReviewEnded(old=review.old, new=review.new, agreed=end.agreed, kept=end.kept, decisions=tuple(made))
