"""Opening a run: repository, workspace, sandbox, engine, session and agent, each closed again at the end."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from glmcode import paths
from glmcode.agent import Agent
from glmcode.config import ConfigError, Settings
from glmcode.cost import Prices
from glmcode.events import Event, SessionStarted
from glmcode.headless.output import Output
from glmcode.loop.snapshots import Snapshots
from glmcode.model.engines import is_script, open_engine, start_engine
from glmcode.opening import lazy_sandbox, make_agent, open_session, open_workspace_of, prices_of, sandbox_for
from glmcode.places.guarded import guarded
from glmcode.places.images import resolve_image
from glmcode.places.lazy_sandbox import LazySandbox
from glmcode.policy import nobody
from glmcode.session.store import Session
from glmcode_engine.base import Engine
from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.open import probe
from glmcode_sandbox.workspace import Workspace, find_repository


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
        sandbox = await sandbox_for(workspace, self.settings, self.image, self.session.folder)
        await sandbox.start()
        return sandbox

    async def play(self, prompt: str, *, typed: str) -> AsyncGenerator[Event, None]:
        """One turn. The sandbox starts as soon as the first request is on its way."""
        async with aclosing(self.agent.run(prompt, typed=typed)) as events:
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
        return prices_of(self.settings, self.engine)

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
        session = stack.enter_context(open_session(settings, repo, engine, first_prompt))
        holding = await stack.enter_async_context(AsyncExitStack())
        workspace, carried = await open_workspace_of(settings, repo, session, output.say, image, holding)
        sandbox = lazy_sandbox(workspace, settings, image, session.folder)
        await stack.enter_async_context(guarded(workspace, output.say))
        stack.push_async_callback(sandbox.close)
        snapshots = Snapshots(session, workspace, carried=carried)
        job = Job(
            settings=settings,
            repo=repo,
            workspace=workspace,
            sandbox=sandbox,
            engine=engine,
            session=session,
            agent=make_agent(settings, engine, sandbox, workspace, snapshots, session, nobody),
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
    if settings.max_cost is not None and not is_script(engine.info) and prices_of(settings, engine) is None:
        raise ConfigError(
            f"--max-cost: no prices are known for {engine.info.model} at {engine.info.base_url}; set [price] prompt, "
            f"cached and completion (USD per million tokens) in {paths.config_file()}"
        )


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
