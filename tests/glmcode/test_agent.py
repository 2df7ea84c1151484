from collections.abc import Callable, Sequence

import pytest

from glmcode.cost import Prices
from glmcode.policy import Decision, Question
from glmcode.session import store
from glmcode.session.store import Session
from glmcode_engine.base import StreamPart
from glmcode_engine.messages import Message, Request, Usage
from tests.fakes import FakeEngine, FakeSandbox, calls, says
from tests.glmcode.turns import (
    PROTECTED,
    READ,
    SHELL,
    agent_of,
    assert_every_call_has_one_result,
    ending,
    kinds,
    play,
    results,
)


async def test_an_answer_without_calls_ends_the_turn(session: Session) -> None:
    usage = Usage(prompt_tokens=100, cached_tokens=40, completion_tokens=20, reasoning_tokens=5)
    engine = FakeEngine(says("It is done.", reasoning="hm", usage=usage))
    events = await play(agent_of(session, engine, prices=Prices(prompt=1, cached=0, completion=2)))
    expected = [
        {"kind": "step_started", "step": 1},
        {"kind": "reasoning_delta", "step": 1, "text": "hm"},
        {"kind": "assistant_delta", "step": 1, "text": "It is done."},
        {
            "kind": "assistant_message",
            "step": 1,
            "content": "It is done.",
            "reasoning_content": "hm",
            "tool_calls": (),
            "finish_reason": "stop",
        },
        {"kind": "usage", "step": 1, "usage": usage.model_dump(), "total": usage.model_dump(), "cost_usd": 0.0001},
        {
            "kind": "turn_finished",
            "reason": "done",
            "detail": "",
            "answer": "It is done.",
            "steps": 1,
            "requests": 1,
            "usage": usage.model_dump(),
            "cost_usd": 0.0001,
        },
    ]
    assert [event.model_dump(exclude={"v", "duration_s"}) for event in events] == expected
    assert session.messages[1:] == [
        Message(role="user", content="do it"),
        Message(role="assistant", content="It is done.", reasoning_content="hm"),
    ]


async def test_calls_run_in_order_and_their_results_go_into_the_next_request(session: Session) -> None:
    edit = ("edit", '{"path": "a.py", "old": "x = 1", "new": "x = 2"}')
    sandbox = FakeSandbox({"a.py": "x = 1\n", "b.py": "y = 2\n"})
    engine = FakeEngine(calls(READ, ("read", '{"path": "b.py"}')), calls(edit), says("done"))
    events = await play(agent_of(session, engine, sandbox=sandbox))
    assert kinds(events) == [
        *("step_started", "assistant_message"),
        *("tool_started", "tool_finished", "tool_started", "tool_finished", "usage"),
        *("step_started", "assistant_message", "tool_started", "tool_finished", "usage"),
        *("step_started", "assistant_delta", "assistant_message", "usage", "turn_finished"),
    ]
    assert results(events) == [("read", False), ("read", False), ("edit", False)]
    assert [event.title for event in events if event.kind == "tool_started"] == ["read a.py", "read b.py", "edit a.py"]
    assert sandbox.files["a.py"] == b"x = 2\n"
    last = engine.requests[-1].messages
    assert [message.role for message in last] == ["system", "user", "assistant", "tool", "tool", "assistant", "tool"]
    assert "x = 1" in last[3].content and "y = 2" in last[4].content
    assert_every_call_has_one_result(session)


async def test_the_prompt_only_grows_at_its_end_over_steps_and_turns(session: Session) -> None:
    engine = FakeEngine(calls(READ), calls(("none", "{}")), says("one"), calls(READ, READ), says("two"))
    agent = agent_of(session, engine)
    await play(agent, "first")
    await play(agent, "second")
    assert len(engine.requests) == 5
    for earlier, later in zip(engine.requests, engine.requests[1:], strict=False):
        assert later.messages[: len(earlier.messages)] == earlier.messages
        assert len(later.messages) > len(earlier.messages)
        assert (later.tools, later.thinking, later.max_tokens) == (earlier.tools, earlier.thinking, earlier.max_tokens)


async def test_everything_a_request_holds_is_on_disk_before_it_goes_out(session: Session) -> None:
    seen: list[int] = []

    def checked(parts: Sequence[StreamPart]) -> Callable[[Request], Sequence[StreamPart]]:
        def answer(request: Request) -> Sequence[StreamPart]:
            on_disk = store.read(session.folder / store.FILE_NAME)[1]
            assert tuple(on_disk) == request.messages
            seen.append(len(on_disk))
            return parts

        return answer

    engine = FakeEngine(checked(calls(READ, READ)), checked(calls(READ)), checked(says("done")))
    assert ending(await play(agent_of(session, engine))) == ("done", "")
    assert seen == [2, 5, 7]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("raed", "{}"), "There is no tool raed"),
        (("read", '{"path": "a.py"'), "not JSON"),
        (("read", "[]"), "not a JSON object"),
        (("read", '{"file": "a.py"}'), "`path` is missing"),
        (("read", '{"path": "nowhere.py"}'), "nowhere.py"),
        (PROTECTED, "Refused: not allowed in this run"),
        (
            ("write", '{"path": "/work/repository/x/../.git/config", "content": ""}'),
            "Refused: the .git folder is read-only",
        ),
    ],
)
async def test_a_mistake_of_the_model_is_a_result_it_can_act_on(
    session: Session, call: tuple[str, str], told: str
) -> None:
    engine = FakeEngine(calls(call, READ), says("I see"))
    events = await play(agent_of(session, engine))
    assert ending(events) == ("done", "")
    assert results(events) == [(call[0], True), ("read", False)]
    assert told in engine.requests[1].messages[3].content
    assert_every_call_has_one_result(session)


async def test_a_made_up_tool_name_is_harmless_to_show(session: Session) -> None:
    events = await play(agent_of(session, FakeEngine(calls(("x\x1b[2J\ny", "{}")), says("done"))))
    (title,) = [event.title for event in events if event.kind == "tool_started"]
    assert title.isprintable()


async def test_plan_mode_reads_and_refuses_the_rest(session: Session) -> None:
    sandbox = FakeSandbox({"a.py": "x = 1\n"})
    engine = FakeEngine(calls(READ, ("write", '{"path": "n.py", "content": ""}'), SHELL), says("a plan"))
    events = await play(agent_of(session, engine, sandbox=sandbox, mode="plan"))
    assert results(events) == [("read", False), ("write", True), ("shell", True)]
    assert (sorted(sandbox.files), sandbox.commands) == (["a.py"], [])


@pytest.mark.parametrize("allowed", [True, False])
async def test_the_answer_to_a_question_decides(session: Session, allowed: bool) -> None:
    asked: list[Question] = []

    async def ask(question: Question) -> Decision:
        asked.append(question)
        return Decision(allowed, "" if allowed else "not today")

    sandbox = FakeSandbox()
    events = await play(
        agent_of(session, FakeEngine(calls(PROTECTED), says("done")), sandbox=sandbox, mode="ask", ask=ask)
    )
    assert [question.title for question in asked] == ["write .vscode/tasks.json"]
    order = kinds(events)
    assert order[2:5] == ["tool_started", "approval_requested", "tool_finished"]
    assert (".vscode/tasks.json" in sandbox.files) == allowed
    assert ("not today" in session.messages[3].content) != allowed
