import itertools
import json
from collections.abc import Sequence

import pytest

from glmcode.events import CacheBroken, Event, GuardRepaired, ToolFinished
from glmcode.session import store
from glmcode.session.store import Session
from glmcode_engine.base import EngineError, ReasoningDelta, Repaired, Stop, StreamPart, TextDelta, ToolCallDelta
from glmcode_engine.guard import GuardedEngine
from glmcode_engine.messages import Message, Request
from glmcode_engine.wire import message_body
from glmcode_sandbox.base import ExecResult
from tests.fakes import FakeEngine, FakeSandbox, calls, says
from tests.glmcode.turns import READ, agent_of, assert_every_call_has_one_result, ending, kinds, play

EMPTY = says("")
ANNOUNCED = says("Now I'll fix it.")


def repairs(events: Sequence[Event]) -> list[str]:
    return [event.repair for event in events if isinstance(event, GuardRepaired)]


def broken(events: Sequence[Event]) -> list[str]:
    return [event.segment for event in events if isinstance(event, CacheBroken)]


def voids(events: Sequence[Event]) -> list[Message]:
    return [event.void for event in events if isinstance(event, GuardRepaired) and event.void]


def wire(request: Request) -> list[str]:
    return [json.dumps(message_body(message), ensure_ascii=False) for message in request.messages]


@pytest.mark.parametrize("answer", [EMPTY, says(" \n", reasoning="hm"), ANNOUNCED, says("x", stop="tool_calls")])
async def test_an_answer_that_leads_nowhere_is_asked_for_once_more(session: Session, answer: list[StreamPart]) -> None:
    engine = FakeEngine(answer, says("all done"))
    events = await play(agent_of(session, engine))
    assert ending(events) == ("done", "")
    assert (repairs(events), broken(events)) == (["nudge"], [])
    first, second = map(wire, engine.requests)
    assert second[: len(first)] == first
    assert [message.role for message in engine.requests[1].messages] == ["system", "user", "user"]
    assert_every_call_has_one_result(session)


@pytest.mark.parametrize("answer", [EMPTY, ANNOUNCED])
async def test_a_second_one_in_a_row_is_an_error_and_never_done(session: Session, answer: list[StreamPart]) -> None:
    engine = FakeEngine(answer, answer)
    events = await play(agent_of(session, engine))
    assert ending(events) == ("error", "unusable")
    assert len(engine.requests) == 2
    assert kinds(events)[-2:] == ["error", "turn_finished"]


async def test_with_reasoning_in_the_turn_the_last_tool_result_goes_on(session: Session) -> None:
    engine = FakeEngine(calls(READ, reasoning="look"), EMPTY, says("all done"))
    events = await play(agent_of(session, engine))
    assert ending(events) == ("done", "")
    assert (repairs(events), broken(events)) == (["nudge"], ["end of the last tool result"])
    before, after = wire(engine.requests[1]), wire(engine.requests[2])
    assert after[:-1] == before[:-1] and len(after) == len(before)
    shown = engine.requests[1].messages[-1].content
    assert engine.requests[2].messages[-1].content.startswith(f"{shown}\n\n[glmcode: your last answer was empty")
    assert after[-1].startswith(before[-1].partition('", "tool_call_id"')[0])
    assert_every_call_has_one_result(session)


async def test_without_reasoning_in_the_turn_nothing_sent_changes(session: Session) -> None:
    engine = FakeEngine(calls(READ), ANNOUNCED, says("all done"))
    events = await play(agent_of(session, engine))
    assert (repairs(events), broken(events)) == (["nudge"], [])
    before, after = wire(engine.requests[1]), wire(engine.requests[2])
    assert after[: len(before)] == before
    assert engine.requests[2].messages[-1].role == "user"


async def test_the_refused_answer_is_told_but_not_part_of_the_conversation(session: Session) -> None:
    engine = FakeEngine(ANNOUNCED, says("all done"))
    events = await play(agent_of(session, engine))
    assert "assistant_message" in kinds(events)[: kinds(events).index("guard")]
    assert "Now I'll fix it." in next(event.detail for event in events if isinstance(event, GuardRepaired))
    assert all("fix it" not in message.content for message in session.messages)
    assert [event.answer for event in events if event.kind == "turn_finished"] == ["all done"]


async def test_after_a_call_the_model_may_be_nudged_again(session: Session) -> None:
    engine = FakeEngine(EMPTY, calls(READ), EMPTY, says("all done"))
    events = await play(agent_of(session, engine))
    assert (ending(events), repairs(events)) == (("done", ""), ["nudge", "nudge"])


@pytest.mark.parametrize("text", ["The value is 4.", "Fixed. Let me know if you need more.", "Shall I run the tests?"])
async def test_a_final_answer_is_not_nudged(session: Session, text: str) -> None:
    engine = FakeEngine(calls(READ), says(text))
    events = await play(agent_of(session, engine))
    assert (ending(events), repairs(events)) == (("done", ""), [])


async def test_a_cut_answer_goes_on_once_where_it_stopped(session: Session) -> None:
    engine = FakeEngine(says("The cause is ", stop="length"), says("a typo."))
    events = await play(agent_of(session, engine))
    assert (ending(events), repairs(events), broken(events)) == (("done", ""), ["cut_answer"], [])
    first, second = map(wire, engine.requests)
    assert second[: len(first)] == first
    assert [message.content for message in engine.requests[1].messages[2:3]] == ["The cause is "]
    assert engine.requests[1].messages[3].content.startswith("[glmcode: your answer was cut off")
    assert [event.answer for event in events if event.kind == "turn_finished"] == ["The cause is a typo."]


async def test_an_answer_that_is_cut_again_is_truncated_and_all_of_it_is_kept(session: Session) -> None:
    cut = says("Now I'll fix it.", stop="length")
    events = await play(agent_of(session, FakeEngine(cut, cut)))
    assert (ending(events), repairs(events)) == (("error", "truncated"), ["cut_answer"])
    assert [event.answer for event in events if event.kind == "turn_finished"] == ["Now I'll fix it." * 2]


async def test_after_a_call_a_cut_answer_may_go_on_again(session: Session) -> None:
    cut = says("half ", stop="length")
    engine = FakeEngine(cut, calls(READ, reasoning="hm"), cut, says("whole"))
    events = await play(agent_of(session, engine))
    assert (ending(events), repairs(events)) == (("done", ""), ["cut_answer", "cut_answer"])
    assert broken(events) == ["reasoning of this turn"]


async def test_a_cut_call_is_refused_and_the_turn_goes_on_by_itself(session: Session) -> None:
    half: list[StreamPart] = [ToolCallDelta(0, "x", "write", '{"path": "n.py", "content": "x'), Stop("length")]
    sandbox = FakeSandbox({"a.py": ""})
    engine = FakeEngine(half, says("all done"))
    events = await play(agent_of(session, engine, sandbox=sandbox, wrap=GuardedEngine))
    assert (ending(events), repairs(events)) == (("done", ""), [])
    assert list(sandbox.files) == ["a.py"]
    assert_every_call_has_one_result(session)


async def test_an_answer_cut_while_thinking_is_asked_for_once_more_without(session: Session) -> None:
    thoughts: list[StreamPart] = [ReasoningDelta("long thoughts"), Stop("length")]
    engine = FakeEngine(thoughts, says("all done"))
    events = await play(agent_of(session, engine))
    assert (ending(events), repairs(events), broken(events)) == (("done", ""), ["cut_thinking"], ["user messages"])
    assert [request.thinking for request in engine.requests] == [True, False]
    assert engine.requests[1].messages == engine.requests[0].messages
    assert voids(events) == [Message(role="assistant", reasoning_content="long thoughts")]


async def test_thinking_that_is_cut_with_thinking_off_is_truncated(session: Session) -> None:
    thoughts: list[StreamPart] = [ReasoningDelta("long thoughts"), Stop("length")]
    events = await play(agent_of(session, FakeEngine(thoughts, thoughts)))
    assert (ending(events), repairs(events)) == (("error", "truncated"), ["cut_thinking"])


async def test_what_was_void_is_in_the_session_file_and_the_model_never_sees_it(session: Session) -> None:
    void = Repaired("broken_stream", "asked for the answer again: reset", restarts=True)
    engine = FakeEngine([ReasoningDelta("hm"), TextDelta("half an"), void, *says("a whole answer")], says("again"))
    agent = agent_of(session, engine)
    events = await play(agent)
    await play(agent, "and now")
    assert (ending(events), repairs(events), broken(events)) == (("done", ""), ["broken_stream"], [])
    kept = Message(role="assistant", content="half an", reasoning_content="hm")
    assert voids(events) == [kept]
    (record,) = [each for each in store.records(session.folder / store.FILE_NAME) if each["kind"] == "guard"]
    assert record["restarts"] and Message.model_validate(record["void"]) == kept
    assert all("half an" not in message.content for message in engine.requests[1].messages)
    assert session.messages[2].content == "a whole answer"


async def test_a_nudged_session_reads_back_as_it_was_sent(session: Session) -> None:
    engine = FakeEngine(calls(READ, reasoning="look"), EMPTY, says("all done"))
    await play(agent_of(session, engine))
    on_disk = store.read(session.folder / store.FILE_NAME)[1]
    assert tuple(on_disk[:-1]) == engine.requests[2].messages


async def test_the_same_call_with_the_same_result_is_warned_of_and_then_ended(session: Session) -> None:
    same = ("read", '{"path":"a.py"}')
    engine = FakeEngine(*[calls(READ), calls(same)] * 5)
    events = await play(agent_of(session, engine))
    assert ending(events) == ("error", "unusable")
    assert len(engine.requests) == 5
    assert repairs(events) == ["repeated_call"]
    warned = ["in a row" in event.text for event in events if isinstance(event, ToolFinished)]
    assert warned == [False, False, True, False, False]
    assert "5 times in a row" in next(event.message for event in events if event.kind == "error")
    assert all(wire(later)[: len(wire(one))] == wire(one) for one, later in itertools.pairwise(engine.requests))
    assert_every_call_has_one_result(session)


async def test_the_same_call_with_another_result_is_no_repetition(session: Session) -> None:
    sandbox = FakeSandbox({"a.py": ""})

    def grown(_: Request) -> Sequence[StreamPart | EngineError]:
        sandbox.files["a.py"] += b"x\n"
        return calls(READ)

    engine = FakeEngine(*[grown] * 7, says("done"))
    events = await play(agent_of(session, engine, sandbox=sandbox))
    assert (ending(events), repairs(events)) == (("done", ""), [])


async def test_other_steps_between_and_doubles_in_one_step_are_no_repetition(session: Session) -> None:
    other = ("read", '{"path": "b.py"}')
    engine = FakeEngine(*[calls(READ, READ), calls(other, other, other)] * 4, calls(*[READ] * 9), says("done"))
    events = await play(agent_of(session, engine))
    assert (ending(events), repairs(events)) == (("done", ""), [])


async def test_repairs_of_the_stream_are_events_and_a_restart_drops_what_came(session: Session) -> None:
    circle: list[StreamPart] = [*[ReasoningDelta("!" * 50)] * 20, Stop("stop")]
    engine = FakeEngine(circle, says("all done"))
    events = await play(agent_of(session, engine, wrap=GuardedEngine))
    assert (ending(events), repairs(events), broken(events)) == (("done", ""), ["degenerate"], ["user messages"])
    assert session.messages[-1] == Message(role="assistant", content="all done")


async def test_a_leaked_call_runs_and_a_cut_one_is_refused(session: Session) -> None:
    leaked = "<tool_call>read\n<arg_key>path</arg_key>\n<arg_value>a.py</arg_value>\n</tool_call>"
    engine = FakeEngine(says(leaked), says(leaked[:-30]), says("all done"))
    events = await play(agent_of(session, engine, wrap=GuardedEngine))
    finished = [(event.name, event.is_error) for event in events if isinstance(event, ToolFinished)]
    assert (ending(events), finished) == (("done", ""), [("read", False), ("read", True)])
    assert repairs(events) == ["leaked_call", "broken_call"]
    assert "What arrived: <tool_call>read" in session.messages[-2].content
    assert_every_call_has_one_result(session)


async def test_a_call_without_a_name_is_dropped_and_asked_for_again(session: Session) -> None:
    nameless: list[StreamPart] = [ToolCallDelta(0, "x", "", '{"path": "a.py"}'), Stop("tool_calls")]
    events = await play(agent_of(session, FakeEngine(nameless, says("all done")), wrap=GuardedEngine))
    assert (ending(events), repairs(events)) == (("done", ""), ["empty_name", "nudge"])


async def test_a_result_that_only_took_longer_is_the_same_result(session: Session) -> None:
    results = [ExecResult(0, f"1 passed in 0.{number}s\n".encode(), 20, number / 10) for number in range(1, 10)]
    engine = FakeEngine(*[calls(("shell", '{"command": "pytest"}'))] * 9)
    events = await play(agent_of(session, engine, sandbox=FakeSandbox({}, *results)))
    assert (ending(events), repairs(events)) == (("error", "unusable"), ["repeated_call"])


@pytest.mark.parametrize("said", ["<|endoftext|>", "\u200b\ufeff", "</think>\n<|user|>", "[gMASK]<sop>"])
async def test_an_answer_of_control_tokens_or_unseen_characters_is_empty(session: Session, said: str) -> None:
    engine = FakeEngine(says(said), says(said))
    events = await play(agent_of(session, engine))
    assert (ending(events), repairs(events)) == (("error", "unusable"), ["nudge"])
