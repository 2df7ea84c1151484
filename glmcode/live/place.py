"""What one open session works with: its file, the workspace, the sandbox and the agent, closed together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from glmcode.agent import Agent
from glmcode.config import Settings
from glmcode.live.guarding import TurnGuard
from glmcode.loop.snapshots import Snapshots
from glmcode.opening import lazy_sandbox, make_agent, open_session, open_workspace_of
from glmcode.places.guarded import guarded
from glmcode.places.lazy_sandbox import LazySandbox
from glmcode.policy import Ask
from glmcode.session.marks import Left
from glmcode.session.store import FILE_NAME, PATCH_NAME, Session, records
from glmcode.session.timeline import TREES_NAME
from glmcode_engine.base import Engine
from glmcode_sandbox.git.trees import TreeStore
from glmcode_sandbox.workspace import Workspace


@dataclass(slots=True)
class Place:
    """Everything a turn needs."""

    session: Session
    workspace: Workspace
    sandbox: LazySandbox
    agent: Agent
    pack_chars: int = 0
    """How long the pack is that the first user message begins with."""
    guard: TurnGuard | None = None
    """Of a direct workspace."""
    announced: bool = False
    """Whether `session_started` was told."""

    @property
    def trees(self) -> TreeStore:
        """The states of the workspace."""
        return TreeStore(self.session.folder / TREES_NAME)


@asynccontextmanager
async def open_place(
    settings: Settings,
    repo: Path,
    engine: Engine,
    image: str | None,
    first_prompt: str,
    *,
    say: Callable[[str], None],
    ask: Ask,
    new_id: str | None = None,
) -> AsyncIterator[Place]:
    """Open a new session (see `open_session`), or the one of `settings.resume`.

    Raises ConfigError, SessionError, WorkspaceError.
    """
    async with AsyncExitStack() as stack:
        session = stack.enter_context(open_session(settings, repo, engine, first_prompt, new_id=new_id))
        workspace, carried = await open_workspace_of(settings, repo, session, say, image, stack)
        sandbox = lazy_sandbox(workspace, settings, image, session.folder)
        snapshots = Snapshots(session, workspace, carried=carried)
        agent = make_agent(settings, engine, sandbox, workspace, snapshots, session, ask)
        place = Place(session, workspace, sandbox, agent, pack_chars=_pack_chars(session) if settings.resume else 0)
        stack.push_async_callback(_leave, place)
        if guard := await stack.enter_async_context(guarded(workspace, say)):
            place.guard = TurnGuard(workspace, place.trees, snapshots, guard)
            sandbox.on_write = place.guard.wrote
        stack.push_async_callback(sandbox.close)
        yield place


def _pack_chars(session: Session) -> int:
    """How much of the first user message the user did not type."""
    lines = records(session.folder / FILE_NAME)
    typed = next((str(line.get("text")) for line in lines if line.get("kind") == "prompted"), "")
    first = next((message.content for message in session.messages if message.role == "user"), "")
    return len(first) - len(typed) if typed and first.endswith(typed) else 0


async def _leave(place: Place) -> None:
    """What of an isolated workspace is not in the user's repository waits in the session for the next time."""
    if place.workspace.mode == "direct":
        return
    tree = await place.workspace.tree()
    patch = await place.trees.patch(place.workspace.agreed_tree, tree)
    (place.session.folder / PATCH_NAME).write_bytes(patch)
    place.session.append_record(Left(applied=not patch))
