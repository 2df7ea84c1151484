"""Plays turns of an agent with fakes and looks at what came of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from glmcode.agent import Agent
from glmcode.cost import Prices
from glmcode.events import Event, TurnFinished
from glmcode.loop.snapshots import Snapshots
from glmcode.loop.turn import TurnLimits
from glmcode.loop.window import Window
from glmcode.policy import Ask, Policy, nobody
from glmcode.session import store
from glmcode.session.store import Session
from glmcode_engine.base import Engine
from glmcode_sandbox.base import ExecResult, NoSandboxError
from glmcode_sandbox.git.protected import protected
from glmcode_tools.base import ToolContext
from glmcode_tools.toolbox import Toolbox
from tests.fakes import FakeSandbox

READ = ("read", '{"path": "a.py"}')
PROTECTED = ("write", '{"path": ".vscode/tasks.json", "content": "{}"}')
SHELL = ("shell", '{"command": "sleep 100"}')


class HangingSandbox(FakeSandbox):
    """Its commands say something and never end."""

    async def exec(self, command: str, *, on_output: Callable[[bytes], None] | None = None, **_: Any) -> ExecResult:
        if on_output:
            on_output(b"begun\n")
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")


class GoneSandbox(FakeSandbox):
    """It cannot be started."""

    async def exec(self, command: str, **_: Any) -> ExecResult:
        raise NoSandboxError("no daemon; run `glmcode doctor`")

    async def read_file(self, path: str, *, max_bytes: int) -> bytes:
        raise NoSandboxError("no daemon; run `glmcode doctor`")


def agent_of(
    session: Session,
    engine: Engine,
    *,
    sandbox: FakeSandbox | None = None,
    mode: Any = "deny",
    ask: Ask = nobody,
    limits: TurnLimits | None = None,
    prices: Prices | None = None,
    wrap: Callable[[Engine], Engine] = lambda engine: engine,
    window: Window | None = None,
    snapshots: Snapshots | None = None,
) -> Agent:
    place = sandbox or FakeSandbox({"a.py": "x = 1\n", "b.py": "y = 2\n"})
    return Agent(
        wrap(engine),
        Toolbox(),
        ToolContext(sandbox=place),
        Policy(mode, protected, place.workdir),
        session,
        ask=ask,
        limits=limits or TurnLimits(),
        prices=prices,
        window=window,
        snapshots=snapshots,
    )


async def play(agent: Agent, prompt: str = "do it", *, until: str = "") -> list[Event]:
    """All events of a turn; it is cancelled at the first event of the kind `until`."""
    events: list[Event] = []
    async for event in agent.run(prompt):
        events.append(event)
        if event.kind == until:
            agent.cancel()
            until = ""
    assert [event.kind for event in events].count("turn_finished") == 1
    assert events[-1].kind == "turn_finished"
    return events


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.kind for event in events]


def ending(events: Sequence[Event]) -> tuple[str, str]:
    last = events[-1]
    assert isinstance(last, TurnFinished)
    return last.reason, last.detail


def results(events: Sequence[Event]) -> list[tuple[str, bool]]:
    return [(event.name, event.is_error) for event in events if event.kind == "tool_finished"]


def assert_every_call_has_one_result(session: Session) -> None:
    made = [call.id for message in session.messages for call in message.tool_calls]
    answered = [message.tool_call_id for message in session.messages if message.role == "tool"]
    assert Counter(made) == Counter(answered)
    on_disk = store.read(session.folder / store.FILE_NAME)[1]
    assert on_disk == session.messages
