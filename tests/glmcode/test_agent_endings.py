import asyncio
import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from glmcode.cost import Prices
from glmcode.loop.turn import TurnLimits
from glmcode.session import store
from glmcode.session.store import INTERRUPTED, Session
from glmcode_engine.base import EngineError, ReasoningDelta, RetryNotice, Stop, StreamPart, TextDelta, ToolCallDelta
from glmcode_engine.messages import Message, Request
from tests.fakes import FakeEngine, FakeSandbox, calls, says
from tests.glmcode.turns import (
    PROTECTED,
    READ,
    SHELL,
    GoneSandbox,
    HangingSandbox,
    agent_of,
    assert_every_call_has_one_result,
    ending,
    kinds,
    play,
    results,
)


async def test_a_question_that_nobody_can_answer_ends_the_turn(session: Session) -> None:
    sandbox = FakeSandbox({"a.py": ""})
    events = await play(agent_of(session, FakeEngine(calls(PROTECTED, READ)), sandbox=sandbox, mode="ask"))
    assert ending(events) == ("error", "permission")
    assert kinds(events)[2:] == [
        *("tool_started", "approval_requested", "error", "tool_finished", "tool_finished", "usage", "turn_finished")
    ]
    assert results(events) == [("write", True), ("read", True)]
    assert list(sandbox.files) == ["a.py"]
    assert_every_call_has_one_result(session)


async def test_a_sandbox_that_is_gone_ends_the_turn_and_says_what_to_do(session: Session) -> None:
    events = await play(agent_of(session, FakeEngine(calls(READ, READ)), sandbox=GoneSandbox()))
    assert ending(events) == ("error", "sandbox")
    assert [event.message for event in events if event.kind == "error"] == ["no daemon; run `glmcode doctor`"]
    assert_every_call_has_one_result(session)


async def test_an_engine_that_fails_in_mid_stream_keeps_the_partial_answer(session: Session) -> None:
    broken: list[StreamPart | EngineError] = [
        RetryNotice(attempt=1, delay_s=0.5, reason="busy"),
        ReasoningDelta("hm"),
        TextDelta("I will "),
        ToolCallDelta(0, id="x", name="read", arguments=READ[1]),
        EngineError("unreachable", "the stream broke"),
    ]
    engine = FakeEngine(broken, says("done"))
    agent = agent_of(session, engine)
    events = await play(agent)
    assert ending(events) == ("error", "unreachable")
    assert kinds(events) == [
        *("step_started", "retry", "reasoning_delta", "assistant_delta", "error", "assistant_message", "turn_finished")
    ]
    kept = Message(role="assistant", content="I will ", reasoning_content="hm")
    assert session.messages[-1] == kept
    assert ending(await play(agent, "go on")) == ("done", "")
    assert engine.requests[1].messages[-2:] == (kept, Message(role="user", content="go on"))


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (says("no", stop="sensitive"), "filtered"),
        (says("no", stop="model_context_window_exceeded"), "overflow"),
    ],
)
async def test_answers_that_cannot_be_used_end_the_turn(
    session: Session, answer: list[StreamPart], detail: str
) -> None:
    events = await play(agent_of(session, FakeEngine(answer)))
    assert ending(events) == ("error", detail)
    assert kinds(events)[-2:] == ["error", "turn_finished"]


async def test_cancelling_in_mid_stream_keeps_the_partial_answer_without_its_calls(session: Session) -> None:
    parts: list[StreamPart] = [
        TextDelta("I will "),
        ToolCallDelta(0, id="x", name="read", arguments=READ[1]),
        TextDelta("never"),
        Stop("stop"),
    ]
    events = await play(agent_of(session, FakeEngine(parts, pause_s=0.05)), until="assistant_delta")
    assert ending(events) == ("cancelled", "")
    assert kinds(events) == ["step_started", "assistant_delta", "assistant_message", "turn_finished"]
    assert session.messages[-1] == Message(role="assistant", content="I will ")
    assert_every_call_has_one_result(session)


async def test_cancelling_in_the_middle_of_a_tool_gives_every_call_its_result(session: Session) -> None:
    engine = FakeEngine(calls(READ, SHELL, READ), says("on we go"))
    agent = agent_of(session, engine, sandbox=HangingSandbox({"a.py": "x = 1\n"}))
    events = await play(agent, until="tool_output")
    assert ending(events) == ("cancelled", "")
    assert [event.text for event in events if event.kind == "tool_output"] == ["begun\n"]
    assert results(events) == [("read", False), ("shell", True), ("read", True)]
    assert [message.content for message in session.messages[-2:]] == [INTERRUPTED, INTERRUPTED]
    assert_every_call_has_one_result(session)
    assert ending(await play(agent, "go on")) == ("done", "")


async def test_cancelling_before_the_first_step_still_ends_the_turn(session: Session) -> None:
    agent = agent_of(session, FakeEngine(says("never")))
    events = agent.run("do it")
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    agent.cancel()
    agent.cancel()
    kept = [await first, *[event async for event in events]]
    assert ending(kept) == ("cancelled", "")


async def test_leaving_the_events_early_ends_the_turn_on_disk(session: Session) -> None:
    agent = agent_of(session, FakeEngine(calls(SHELL)), sandbox=HangingSandbox())
    async with contextlib.aclosing(agent.run("do it")) as events:
        async for event in events:
            if event.kind == "tool_output":
                break
    assert_every_call_has_one_result(session)
    records = list(store.records(session.folder / store.FILE_NAME))
    assert (records[-1]["kind"], records[-1]["reason"]) == ("turn_finished", "cancelled")


@pytest.mark.parametrize(
    ("limits", "detail", "requests"),
    [
        (TurnLimits(steps=2), "steps", 2),
        (TurnLimits(tokens=24), "tokens", 2),
        (TurnLimits(cost_usd=0.00003), "cost", 3),
    ],
)
async def test_a_limit_ends_the_turn_between_steps(
    session: Session, limits: TurnLimits, detail: str, requests: int
) -> None:
    engine = FakeEngine(*[calls(READ)] * 9)
    events = await play(agent_of(session, engine, limits=limits, prices=Prices(prompt=1, cached=1, completion=0)))
    assert ending(events) == ("limit", detail)
    assert len(engine.requests) == requests
    assert_every_call_has_one_result(session)


async def test_the_last_step_may_end_the_turn_by_itself(session: Session) -> None:
    events = await play(agent_of(session, FakeEngine(says("done")), limits=TurnLimits(steps=1, tokens=1)))
    assert ending(events) == ("done", "")


@pytest.mark.parametrize("sandbox", [FakeSandbox({"a.py": ""}), HangingSandbox()])
async def test_the_time_limit_ends_a_stream_and_a_tool(session: Session, sandbox: FakeSandbox) -> None:
    hanging = isinstance(sandbox, HangingSandbox)
    engine = FakeEngine(calls(SHELL) if hanging else says("never"), pause_s=0.0 if hanging else 5.0)
    events = await play(agent_of(session, engine, sandbox=sandbox, limits=TurnLimits(seconds=0.1)))
    assert ending(events) == ("limit", "time")
    assert_every_call_has_one_result(session)


async def test_a_session_goes_on_after_a_crash_in_the_middle_of_a_tool(session: Session, tmp_path: Path) -> None:
    path = session.folder / store.FILE_NAME
    crashed: list[bytes] = []

    def remember(_: Request) -> Sequence[StreamPart]:
        crashed.append(path.read_bytes())
        return says("done")

    await play(agent_of(session, FakeEngine(calls(READ, READ), remember)))
    session.close()
    lines = crashed[0].splitlines(keepends=True)
    results_at = [at for at, line in enumerate(lines) if json.loads(line).get("message", {}).get("role") == "tool"]
    path.write_bytes(b"".join(lines[: results_at[1]]) + lines[results_at[1]][:30])
    with store.resume(tmp_path, session.id) as resumed:
        engine = FakeEngine(calls(READ), says("done after all"))
        events = await play(agent_of(resumed, engine), "go on")
        assert ending(events) == ("done", "")
        roles = [message.role for message in engine.requests[0].messages]
        assert roles == ["system", "user", "assistant", "tool", "tool", "user"]
        assert engine.requests[0].messages[4].content == INTERRUPTED
        assert_every_call_has_one_result(resumed)
