"""A workspace, a session, and reviews of the one that are noted in the other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmcode.review.applying import Reviewed, apply_review
from glmcode.review.decisions import Accept, Decisions, Refuse
from glmcode.review.hunks import Hunk, open_review
from glmcode.session import store
from glmcode.session.marks import WorkspaceOpened
from glmcode.session.store import FILE_NAME, Session
from glmcode.session.timeline import TREES_NAME
from glmcode.session.unapplied import WORKSPACE_NAME
from glmcode_engine.base import EngineInfo
from glmcode_sandbox.files import RunsCommands
from glmcode_sandbox.workspace import Store, Workspace, WorkspaceMode, open_workspace

TEXT = "".join(f"{number}\n" for number in range(1, 31))
CHANGED = TEXT.replace("\n3\n", "\nthree\n").replace("\n15\n", "\n").replace("\n28\n", "\n28\nmore\n")
"""Three hunks: a line changed, one removed, one added."""


@dataclass(slots=True)
class Reviewing:
    repo: Path
    space: Workspace
    session: Session
    sandbox: RunsCommands | None = None

    async def decisions(self) -> Decisions:
        return Decisions(await open_review(self.space))

    async def apply(self, decisions: Decisions) -> Reviewed:
        return await apply_review(self.space, self.session, decisions.review, decisions, sandbox=self.sandbox)

    def lines(self, kind: str) -> list[dict[str, Any]]:
        found = store.records(self.session.folder / FILE_NAME)
        return [line for line in found if line["kind"] == kind]


def hunks_of(decisions: Decisions, path: str) -> tuple[Hunk, ...]:
    return next(file.hunks for file in decisions.review.files if file.path == path)


def refuse_and_accept_the_rest(decisions: Decisions, *paths: str) -> None:
    for path in paths:
        decisions.file(path, Refuse(reason="not wanted"))
    decisions.all(Accept(), undecided_only=True)


@asynccontextmanager
async def reviewing(
    repo: Path, folder: Path, mode: WorkspaceMode, store_kind: Store = "copy"
) -> AsyncIterator[Reviewing]:
    """An open workspace with a session, as a run has them."""
    info = EngineInfo(kind="remote", model="m")
    with store.create(folder, repo=repo, version="0", engine=info, first_prompt="go") as session:
        state, trees = session.folder / WORKSPACE_NAME, session.folder / TREES_NAME
        async with await open_workspace(repo, mode, state_dir=state, store=store_kind, trees=trees) as space:
            await space.ready()
            session.append_record(WorkspaceOpened(step=0, mode=mode, start=space.start_tree))
            yield Reviewing(repo, space, session)
