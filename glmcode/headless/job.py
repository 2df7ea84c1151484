"""Opening a run: repository, workspace, sandbox, engine, session and agent, each closed again at the end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from glmcode import __version__, paths
from glmcode.agent import Agent
from glmcode.config import ConfigError, Settings
from glmcode.cost import Prices, known_prices
from glmcode.engines import is_script, open_engine, start_engine, window_asker
from glmcode.events import Event, SessionStarted
from glmcode.guarded import guarded
from glmcode.headless.output import Output
from glmcode.images import describe_sandbox, resolve_image
from glmcode.layers import choose_store
from glmcode.lazy_sandbox import LazySandbox
from glmcode.policy import Policy, nobody
from glmcode.session import store
from glmcode.session.store import Session
from glmcode.session.timeline import TREES_NAME, keep_trees
from glmcode.session.unapplied import WORKSPACE_NAME, unapplied_patch
from glmcode.snapshots import Snapshots
from glmcode.turn import TurnLimits
from glmcode.window import Window
from glmcode_engine.base import Engine
from glmcode_engine.messages import Message
from glmcode_prompts.library import load
from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.open import open_sandbox, probe
from glmcode_sandbox.workspace import Workspace, WorkspaceError, find_repository, open_workspace, protected
from glmcode_tools.base import ToolContext
from glmcode_tools.filetext import display_name
from glmcode_tools.toolbox import Toolbox


@dataclass(slots=True)
class Job:
    """Everything one headless run works with."""

    settings: Settings
    repo: Path
    workspace: Workspace
    sandbox: LazySandbox
    engine: Engine
    session: Session
    agent: Agent
    output: Output
    image: str | None
    out: Path
    """Where the artifacts go: the folder of --out, else the session's."""
    resumed: bool
    keep_workspace: bool = False
    """Whether the copy stays on disk at the end, since nothing else holds what was changed."""
    told: set[str] = field(default_factory=set)

    async def make_sandbox(self, workspace: Workspace) -> Sandbox:
        """A started sandbox of its own for another workspace, as hardened as the agent's."""
        sandbox = await _sandbox_for(workspace, self.settings, self.image, self.session.folder)
        await sandbox.start()
        return sandbox

    async def play(self, prompt: str) -> AsyncGenerator[Event, None]:
        """One turn. The sandbox starts as soon as the first request is on its way."""
        async with aclosing(self.agent.run(prompt)) as events:
            async for event in events:
                if event.kind != "step_started":
                    self.sandbox.begin()
                self.output.event(event)
                yield event

    def tell_notes(self) -> None:
        """Say what the workspace has to say and has not said yet; some of it is known only once it is `ready`."""
        for note in self.workspace.notes:
            if note not in self.told:
                self.told.add(note)
                self.output.say(one_line(note, 300))

    @property
    def prices(self) -> Prices | None:
        """What tokens cost at this endpoint, as far as that is known."""
        return _prices(self.settings, self.engine)

    def announce(self, context_tokens: int) -> None:
        event = SessionStarted(
            session=self.session.id,
            repo=str(self.repo),
            engine=self.engine.info,
            sandbox=self.sandbox.description,
            workspace=self.workspace.mode,
            approval=self.settings.approval or "deny",
            thinking=self.settings.thinking != "off",
            context_tokens=context_tokens,
            base_commit=self.workspace.base_commit,
            resumed=self.resumed,
        )
        self.session.append_event(event)
        self.output.event(event)


@asynccontextmanager
async def open_job(settings: Settings, first_prompt: str) -> AsyncIterator[Job]:
    """Open everything, cheap checks first. Raises ConfigError, NoSandboxError, WorkspaceError, SessionError."""
    repo = find_repository(settings.repo or Path.cwd())
    engine = open_engine(settings)
    _check_cost(settings, engine)
    out = _out_folder(settings, repo)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.aclose)
        output = Output(settings, out / "events.jsonl" if out else None)
        stack.callback(output.close)
        image = await resolve_image(settings, repo, output.say)
        await probe(settings.sandbox, image)
        await start_engine(engine, output.say)
        session = stack.enter_context(_open_session(settings, repo, engine, first_prompt))
        holding = await stack.enter_async_context(AsyncExitStack())
        workspace, carried = await _open_workspace(settings, repo, session, output, image, holding)
        sandbox = _lazy(workspace, settings, image, session.folder)
        await stack.enter_async_context(guarded(workspace, output.say))
        stack.push_async_callback(sandbox.close)
        job = Job(
            settings=settings,
            repo=repo,
            workspace=workspace,
            sandbox=sandbox,
            engine=engine,
            session=session,
            agent=_agent(settings, engine, sandbox, workspace, Snapshots(session, workspace, carried=carried), session),
            output=output,
            image=image,
            out=out or session.folder,
            resumed=bool(settings.resume),
        )
        job.tell_notes()
        yield job
        if job.keep_workspace:
            holding.pop_all()
            output.say(f"what was changed is kept: glmcode run --resume {session.id} goes on with it")


def _check_cost(settings: Settings, engine: Engine) -> None:
    """A limit that could never be reached is refused. Raises ConfigError."""
    if settings.max_cost is not None and not is_script(engine.info) and _prices(settings, engine) is None:
        raise ConfigError(
            f"--max-cost: no prices are known for {engine.info.model} at {engine.info.base_url}; set [price] prompt, "
            f"cached and completion (USD per million tokens) in {paths.config_file()}"
        )


def _prices(settings: Settings, engine: Engine) -> Prices | None:
    return settings.price or known_prices(engine.info.base_url, engine.info.model)


async def _open_workspace(
    settings: Settings, repo: Path, session: Session, output: Output, image: str | None, holding: AsyncExitStack
) -> tuple[Workspace, bool]:
    """The workspace, closed with `holding`; a resumed session's has what the session had changed, and says so."""
    carried = await _carried(session, output) if settings.resume else b""
    mode = settings.workspace or "isolated"
    state_dir = session.folder / WORKSPACE_NAME
    store = await choose_store(settings, repo, mode, state_dir, image)
    trees = session.folder / TREES_NAME
    workspace = await open_workspace(repo, mode, state_dir=state_dir, store=store, image=image, trees=trees)
    holding.push_async_callback(keep_trees, session.folder)
    holding.push_async_callback(workspace.close)
    return workspace, await _carry_over(carried, workspace, output)


async def _carried(session: Session, output: Output) -> bytes:
    """What a resumed session had changed and never applied. First takes back a restore that was killed."""
    from glmcode.session.rollback import roll_back

    if left := await roll_back(session):
        output.say(
            f"a restore was killed; these changed since and stay as they are: {', '.join(map(display_name, left[:10]))}"
        )
    return await unapplied_patch(session)


async def _carry_over(patch: bytes, workspace: Workspace, output: Output) -> bool:
    """Go on with what the resumed session had changed, where it still fits the repository; whether it did."""
    if not patch or workspace.mode == "direct":
        return False
    try:
        await workspace.apply_patch(patch)
    except WorkspaceError as error:
        output.say(f"the earlier changes of this session no longer apply and are left out: {error}")
        return False
    output.say("going on with the earlier changes of this session")
    return True


def _out_folder(settings: Settings, repo: Path) -> Path | None:
    """The folder of --out, made where it is missing. Raises ConfigError."""
    if settings.out is None:
        return None
    out = settings.out.resolve()
    try:
        out.mkdir(parents=True, exist_ok=True)
        if out.is_relative_to(repo) and out != repo and not any(out.iterdir()):
            # Artifacts are neither part of the change nor of what the model is sent the next time.
            (out / ".gitignore").write_text("*\n", encoding="utf-8")
        (out / "events.jsonl").touch()
    except OSError as error:
        raise ConfigError(f"--out {settings.out}: {error.strerror}") from None
    return out


def _open_session(settings: Settings, repo: Path, engine: Engine, first_prompt: str) -> Session:
    root = paths.sessions_dir()
    if settings.resume is None:
        return store.create(root, repo=repo, version=__version__, engine=engine.info, first_prompt=first_prompt)
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


def _lazy(workspace: Workspace, settings: Settings, image: str | None, folder: Path) -> LazySandbox:
    return LazySandbox(
        lambda: _sandbox_for(workspace, settings, image, folder),
        kind=settings.sandbox,
        workdir=_workdir(workspace, settings),
        description=describe_sandbox(settings.sandbox, settings.network, image, settings.runtime),
    )


def _workdir(workspace: Workspace, settings: Settings) -> str:
    return str(workspace.host_path) if settings.sandbox == "none" else workspace.path


async def _sandbox_for(workspace: Workspace, settings: Settings, image: str | None, folder: Path) -> Sandbox:
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


def _agent(
    settings: Settings,
    engine: Engine,
    sandbox: LazySandbox,
    workspace: Workspace,
    snapshots: Snapshots,
    session: Session,
) -> Agent:
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
        ask=nobody,
        thinking=settings.thinking != "off",
        limits=TurnLimits(
            steps=settings.max_steps,
            tokens=settings.max_tokens,
            cost_usd=settings.max_cost,
            seconds=settings.timeout,
        ),
        prices=_prices(settings, engine),
        window=Window(settings.window, ask=window_asker(engine, settings)),
        snapshots=snapshots,
    )
