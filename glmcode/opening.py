"""Opening what a conversation works with, the same for every face: session, workspace, sandbox and agent."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from glmcode import __version__, paths
from glmcode.agent import Agent
from glmcode.config import ConfigError, Settings
from glmcode.cost import Prices, known_prices
from glmcode.loop.snapshots import Snapshots
from glmcode.loop.turn import TurnLimits
from glmcode.loop.window import Window
from glmcode.model.engines import window_asker
from glmcode.places.images import describe_sandbox
from glmcode.places.layers import choose_store
from glmcode.places.lazy_sandbox import LazySandbox
from glmcode.policy import Ask, Policy
from glmcode.session import store
from glmcode.session.keeping import keep_trees
from glmcode.session.store import Session
from glmcode.session.timeline import TREES_NAME
from glmcode.session.unapplied import WORKSPACE_NAME, unapplied_patch
from glmcode_engine.base import Engine
from glmcode_engine.messages import Message
from glmcode_prompts.library import load
from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.workspace import Workspace, WorkspaceError, open_workspace, protected
from glmcode_tools.base import ToolContext
from glmcode_tools.filetext import display_name
from glmcode_tools.toolbox import Toolbox

Say = Callable[[str], None]


def prices_of(settings: Settings, engine: Engine) -> Prices | None:
    """What the user says the model costs, else what is known; None where it is not."""
    return settings.price or known_prices(engine.info.base_url, engine.info.model)


def open_session(
    settings: Settings, repo: Path, engine: Engine, first_prompt: str, *, new_id: str | None = None
) -> Session:
    """A new session (of the id `new_id`, where given), or the one of `--resume`. Raises ConfigError, SessionError."""
    root = paths.sessions_dir()
    if settings.resume is None:
        if new_id is not None and (root / new_id / store.FILE_NAME).is_file():
            return store.resume(root, new_id)  # an earlier try came as far as the file, and no further
        return store.create(
            root, repo=repo, version=__version__, engine=engine.info, first_prompt=first_prompt, session_id=new_id
        )
    wanted = settings.resume
    if wanted == "latest":
        known = store.headers(root, repo)
        if not known:
            raise ConfigError(f"no session of {repo} to resume")
        wanted = known[0].id
    session = store.resume(root, wanted)
    if session.header.repo != str(repo):
        session.close()
        raise ConfigError(f"session {wanted} belongs to {session.header.repo}; pass --repo {session.header.repo}")
    return session


async def open_workspace_of(
    settings: Settings, repo: Path, session: Session, say: Say, image: str | None, holding: AsyncExitStack
) -> tuple[Workspace, bool]:
    """The workspace, closed with `holding`; a resumed session's has what the session had changed, and says so."""
    carried = await _carried(session, say) if settings.resume else b""
    mode = settings.workspace or "isolated"
    state_dir = session.folder / WORKSPACE_NAME
    store = await choose_store(settings, repo, mode, state_dir, image)
    trees = session.folder / TREES_NAME
    workspace = await open_workspace(repo, mode, state_dir=state_dir, store=store, image=image, trees=trees)
    holding.push_async_callback(keep_trees, session.folder)
    holding.push_async_callback(workspace.close)
    return workspace, await _carry_over(carried, workspace, say)


async def _carried(session: Session, say: Say) -> bytes:
    """What a resumed session had changed and never applied. First takes back a restore that was killed."""
    from glmcode.session.rollback import roll_back

    if left := await roll_back(session):
        say(
            f"a restore was killed; these changed since and stay as they are: {', '.join(map(display_name, left[:10]))}"
        )
    return await unapplied_patch(session)


async def _carry_over(patch: bytes, workspace: Workspace, say: Say) -> bool:
    """Go on with what the resumed session had changed, where it still fits the repository; whether it did."""
    if not patch or workspace.mode == "direct":
        return False
    try:
        await workspace.apply_patch(patch)
    except WorkspaceError as error:
        say(f"the earlier changes of this session no longer apply and are left out: {error}")
        return False
    say("going on with the earlier changes of this session")
    return True


def lazy_sandbox(workspace: Workspace, settings: Settings, image: str | None, folder: Path) -> LazySandbox:
    """The sandbox around a workspace, not started yet; `folder` is the session's."""
    return LazySandbox(
        lambda: sandbox_for(workspace, settings, image, folder),
        kind=settings.sandbox,
        workdir=_workdir(workspace, settings),
        description=describe_sandbox(settings.sandbox, settings.network, image, settings.runtime),
    )


def _workdir(workspace: Workspace, settings: Settings) -> str:
    return str(workspace.host_path) if settings.sandbox == "none" else workspace.path


async def sandbox_for(workspace: Workspace, settings: Settings, image: str | None, folder: Path) -> Sandbox:
    """The same, made but not started. Raises SandboxError."""
    spill = folder / "output"
    await asyncio.to_thread(spill.mkdir, exist_ok=True)
    return await open_sandbox(
        settings.sandbox,
        mounts=workspace.mounts,
        workdir=_workdir(workspace, settings),
        owner=workspace.owner,
        image=image,
        network=settings.network,
        runtime=settings.runtime,
        spill_dir=spill,
    )


def make_agent(
    settings: Settings,
    engine: Engine,
    sandbox: LazySandbox,
    workspace: Workspace,
    snapshots: Snapshots,
    session: Session,
    ask: Ask,
) -> Agent:
    """The agent of a session, which gets its system prompt when it is new."""
    if not session.messages:
        system = load("system", workspace=sandbox.workdir, sandbox=f"{sandbox.kind}, network {settings.network}")
        session.append_message(Message(role="system", content=system))
    return Agent(
        engine,
        Toolbox(),
        ToolContext(
            sandbox=sandbox,
            test_command=settings.test_command,
            command_timeout_s=settings.command_timeout,
        ),
        Policy(settings.approval or "deny", partial(protected, hook_paths=workspace.hook_paths), sandbox.workdir),
        session,
        ask=ask,
        thinking=settings.thinking != "off",
        limits=TurnLimits(
            steps=settings.max_steps,
            tokens=settings.max_tokens,
            cost_usd=settings.max_cost,
            seconds=settings.timeout,
        ),
        prices=prices_of(settings, engine),
        window=Window(settings.window, ask=window_asker(engine, settings)),
        snapshots=snapshots,
    )
