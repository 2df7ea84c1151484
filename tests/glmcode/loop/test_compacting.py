import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from glmcode.context.render import FILES_HEAD
from glmcode.events import CacheBroken, Compacted, Event, GuardRepaired
from glmcode.loop.asking import MOST_COMPACTIONS
from glmcode.loop.turn import TurnLimits
from glmcode.loop.window import Window
from glmcode.session import store
from glmcode.session.export import as_json, as_markdown
from glmcode.session.store import Session
from glmcode_engine.base import EngineError, StreamPart, TextDelta
from glmcode_engine.messages import Message, Request, Usage
from tests.fakes import FakeEngine, FakeSandbox, calls, says
from tests.glmcode.turns import agent_of, assert_every_call_has_one_result, ending, kinds, play

TOO_LONG = EngineError("overflow", "http://h/v1 (HTTP 400): The input is longer than the model's context length")
BIG = "".join(f"{line} = 'a line of some length'\n" for line in range(100))
LENGTHY = "I explain at length. " * 400
SUMMARY = says("Asked: do it. Found: nothing.", usage=Usage(prompt_tokens=700, completion_tokens=30))


def reads(number: int, *, padding: str = "") -> list[StreamPart]:
    arguments = json.dumps({"path": f"m{number}.py", "offset": 1})
    return [*([TextDelta(padding)] if padding else []), *calls(("read", arguments), reasoning=f"I look at {number}.")]


def sandbox() -> FakeSandbox:
    return FakeSandbox({f"m{number}.py": f"# {number}\n{BIG}" for number in range(40)})


def compactions(events: Sequence[Event]) -> list[Compacted]:
    return [event for event in events if isinstance(event, Compacted)]


def segments(events: Sequence[Event]) -> list[str]:
    return [event.segment for event in events if isinstance(event, CacheBroken)]


def is_summary(request: Request) -> bool:
    return not request.tools


def size(request: Request) -> int:
    return sum(len(m.content) + len(m.reasoning_content or "") for m in request.messages)


async def run(session: Session, *answers: Any, **options: Any) -> tuple[list[Event], FakeEngine]:
    engine = FakeEngine(*answers)
    return await play(agent_of(session, engine, sandbox=sandbox(), **options)), engine


async def test_a_refused_prompt_is_trimmed_and_asked_again(session: Session) -> None:
    events, engine = await run(session, *map(reads, range(8)), [TOO_LONG], says("done"))
    (compacted,) = compactions(events)
    assert (ending(events), compacted.how, segments(events)) == (
        ("done", ""),
        "trimmed",
        ["tool results and reasoning"],
    )
    assert compacted.tokens_after <= compacted.tokens_before // 2
    before, after = engine.requests[-2:]
    assert len(before.messages) == len(after.messages) and size(after) < size(before) // 2
    assert after.messages[:2] == before.messages[:2] and after.messages[-1] == before.messages[-1]
    assert "`read m0.py`" in after.messages[3].content and "left out" in after.messages[3].content
    assert kinds(events)[kinds(events).index("compacted") - 1] == "step_started"
    assert_every_call_has_one_result(session)


async def test_what_was_said_stays_on_disk_and_is_shown_with_the_place_of_the_compaction(
    session: Session, tmp_path: Path
) -> None:
    _, engine = await run(session, *map(reads, range(8)), [TOO_LONG], says("done"))
    path = session.folder / store.FILE_NAME
    header, conversation = store.read_whole(path)
    before, after = engine.requests[-2:]
    assert tuple(conversation.said[:-1]) == before.messages
    assert tuple(store.read(path)[1][:-1]) == after.messages
    shown = as_markdown(header, conversation.said, conversation.compactions)
    assert shown.count("*Compacted here: trimmed, ") == 1 and shown.count("99 = 'a line") == 8
    assert shown.index("# 7") < shown.index("*Compacted here") < shown.index("\n\ndone")
    (place,) = json.loads(as_json(header, conversation.said, conversation.compactions))["compactions"]
    assert (place["after_messages"], place["how"]) == (18, "trimmed")
    session.close()
    with store.resume(tmp_path, session.id) as resumed:
        assert tuple(resumed.messages[:-1]) == after.messages


async def test_a_crash_before_the_view_is_written_leaves_the_session_as_it_was(
    session: Session, tmp_path: Path
) -> None:
    _, engine = await run(session, *map(reads, range(8)), [TOO_LONG], says("done"))
    session.close()
    path = session.folder / store.FILE_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    at = next(at for at, line in enumerate(lines) if json.loads(line)["kind"] == "view")
    path.write_bytes(b"".join(lines[:at]) + lines[at][: len(lines[at]) // 2])
    with store.resume(tmp_path, session.id) as resumed:
        assert tuple(resumed.messages) == engine.requests[-2].messages
        agent = agent_of(resumed, FakeEngine([TOO_LONG], says("done after all")), sandbox=sandbox())
        events = await play(agent, "go on")
        assert (ending(events), len(compactions(events))) == (("done", ""), 1)
        assert_every_call_has_one_result(resumed)


async def test_earlier_steps_are_summed_up_where_trimming_is_not_enough(session: Session) -> None:
    steps = [reads(number, padding=LENGTHY) for number in range(12)]
    events, engine = await run(session, *steps, [TOO_LONG], SUMMARY, says("done"))
    (compacted,) = compactions(events)
    assert (ending(events), compacted.how, segments(events)) == (("done", ""), "summarised", ["earlier steps"])
    assert compacted.summary == "Asked: do it. Found: nothing."
    summary, after = engine.requests[-2:]
    assert is_summary(summary) and not summary.thinking and summary.max_tokens
    assert "a line of some length" in summary.messages[1].content, "results are summed up as they were"
    assert size(summary) < size(engine.requests[-3])
    assert [message.role for message in after.messages[:4]] == ["system", "user", "user", "assistant"]
    assert after.messages[1].content == "do it" and compacted.summary in after.messages[2].content
    assert after.messages[-2:] == engine.requests[-3].messages[-2:]
    assert compacted.dropped_messages == len(engine.requests[-3].messages) - len(after.messages) + 1
    usages = [event.usage for event in events if event.kind == "usage"]
    assert usages[-2] == Usage(prompt_tokens=700, completion_tokens=30)
    finished = events[-1]
    assert finished.kind == "turn_finished"
    assert (finished.requests, finished.usage.prompt_tokens) == (15, 700 + 13 * 10)
    assert_every_call_has_one_result(session)


@pytest.mark.parametrize(
    "failing", [[TOO_LONG], [EngineError("unreachable", "gone")], says(" "), [TextDelta("half"), TOO_LONG]]
)
async def test_without_a_summary_earlier_steps_are_dropped_with_a_note(session: Session, failing: Any) -> None:
    steps = [reads(number, padding=LENGTHY) for number in range(12)]
    events, engine = await run(session, *steps, [TOO_LONG], failing, says("done"))
    assert (ending(events), [each.how for each in compactions(events)]) == (("done", ""), ["dropped"])
    assert "earlier messages were left out" in engine.requests[-1].messages[2].content
    assert_every_call_has_one_result(session)


async def test_the_pack_is_cut_when_the_first_prompt_is_too_long(session: Session) -> None:
    files = "".join(f"### m{number}.py\n```py\n{BIG}```\n\n" for number in range(9))
    prompt = f"{FILES_HEAD}{files}\n\nfix the parser"
    engine = FakeEngine([TOO_LONG], says("done"))
    events = await play(agent_of(session, engine), prompt)
    (compacted,) = compactions(events)
    assert (ending(events), compacted.how, segments(events)) == (("done", ""), "trimmed", ["repository pack"])
    shorter = engine.requests[1].messages[1].content
    assert shorter.endswith("\n\nfix the parser") and "### m0.py\n" in shorter and "### m8.py" not in shorter
    assert "m8.py]" in shorter
    assert len(shorter) < len(prompt) // 2


async def test_what_cannot_be_made_shorter_ends_at_once_and_says_what_to_do(session: Session) -> None:
    events, engine = await run(session, [TOO_LONG])
    assert (ending(events), len(engine.requests), compactions(events)) == (("error", "overflow"), 1, [])
    (message,) = [event.message for event in events if event.kind == "error"]
    assert "\n" not in message and "--context" in message and str(TOO_LONG) in message


async def test_two_compactions_a_step_are_the_most(session: Session) -> None:
    steps = [reads(number, padding=LENGTHY) for number in range(12)]
    refused = lambda request: SUMMARY if is_summary(request) else [TOO_LONG]  # noqa: E731
    events, engine = await run(session, *steps, *[refused] * 9)
    assert (ending(events), len(compactions(events))) == (("error", "overflow"), MOST_COMPACTIONS)
    first, second = compactions(events)
    assert second.tokens_after < first.tokens_after
    asked = [request for request in engine.requests[12:] if not is_summary(request)]
    assert len(asked) == 1 + MOST_COMPACTIONS
    assert_every_call_has_one_result(session)


async def test_the_window_that_a_refusal_tells_is_the_one_that_counts(session: Session) -> None:
    window = Window()
    told = EngineError("overflow", "too long", window=8_000)
    events, _ = await run(session, *map(reads, range(9)), [told], says("done"), window=window)
    assert (ending(events), window.tokens) == (("done", ""), 8_000)
    assert compactions(events)[0].tokens_after <= 4_000


@pytest.mark.parametrize(
    ("stop", "window"), [("model_context_window_exceeded", None), ("length", 9_000), ("length", 9_005)]
)
async def test_an_answer_that_fills_the_window_is_void_and_asked_for_again(
    session: Session, stop: str, window: int | None
) -> None:
    full = says("I was just about", reasoning="hm", stop=stop, usage=Usage(prompt_tokens=8_900, completion_tokens=100))
    events, engine = await run(session, *map(reads, range(3)), full, says("done"), window=Window(window))
    assert (ending(events), len(compactions(events))) == (("done", ""), 1)
    (void,) = [event for event in events if isinstance(event, GuardRepaired)]
    assert void.repair == "overflow" and void.restarts
    assert void.void == Message(role="assistant", content="I was just about", reasoning_content="hm")
    assert all("just about" not in message.content for message in engine.requests[-1].messages)
    total = events[-1]
    assert total.kind == "turn_finished" and total.usage.completion_tokens == 100 + 4 * 2
    assert_every_call_has_one_result(session)


async def test_a_cut_answer_with_room_in_the_window_is_no_overflow(session: Session) -> None:
    cut = says("half ", stop="length", usage=Usage(prompt_tokens=800, completion_tokens=100))
    events, _ = await run(session, *map(reads, range(3)), cut, says("whole"), window=Window(100_000))
    assert (ending(events), compactions(events)) == (("done", ""), [])


async def test_a_prompt_that_leaves_no_room_is_compacted_before_it_is_sent(session: Session) -> None:
    # One file is some 1,100 tokens, the tools some 1,700.
    events, engine = await run(session, *map(reads, range(12)), says("done"), window=Window(16_000))
    (compacted,) = compactions(events)
    assert (ending(events), compacted.how) == (("done", ""), "trimmed")
    assert 14_000 < compacted.tokens_before < 16_000 and compacted.tokens_after <= 8_000
    assert len(engine.requests) == 13
    assert max(map(size, engine.requests)) < 43_000


async def test_a_task_that_fills_the_window_is_not_compacted_at_every_step(session: Session) -> None:
    engine = FakeEngine(*map(reads, range(3)), SUMMARY, *map(reads, range(3, 9)), says("done"))
    agent = agent_of(session, engine, sandbox=sandbox(), window=Window(16_000))
    events = await play(agent, "read " + "all the files there are " * 2_300)
    assert ending(events) == ("done", "")
    assert 1 <= len(compactions(events)) <= 2
    assert_every_call_has_one_result(session)


async def test_a_known_large_window_changes_nothing(session: Session) -> None:
    events, _ = await run(session, *map(reads, range(12)), says("done"), window=Window(200_000))
    assert (ending(events), compactions(events), segments(events)) == (("done", ""), [], [])


async def test_no_request_waits_for_the_window_and_it_is_known_when_it_comes(session: Session) -> None:
    told, asked = asyncio.Event(), 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await told.wait()
        return 16_000

    def tell(_: Request) -> Sequence[StreamPart]:
        told.set()
        return reads(5)

    window = Window(ask=ask)
    engine = FakeEngine(*map(reads, range(5)), tell, *map(reads, range(6, 12)), says("done"))
    events = await play(agent_of(session, engine, sandbox=sandbox(), window=window))
    assert (ending(events), len(compactions(events)), asked, window.tokens) == (("done", ""), 1, 1, 16_000)


async def test_asking_for_the_window_ends_with_the_turn(session: Session) -> None:
    left: list[str] = []

    async def ask() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            left.append("cleaned up")
        raise AssertionError("nobody sets that event")

    window = Window(ask=ask)
    engine = FakeEngine(says("done"))
    events = await play(agent_of(session, engine, window=window))
    assert (ending(events), left, window.tokens) == (("done", ""), ["cleaned up"], None)


async def test_a_limit_of_tokens_holds_after_a_summary(session: Session) -> None:
    steps = [reads(number, padding=LENGTHY) for number in range(12)]
    events, engine = await run(session, *steps, [TOO_LONG], SUMMARY, limits=TurnLimits(tokens=800))
    assert (ending(events), len(engine.requests)) == (("limit", "tokens"), 14)
    assert_every_call_has_one_result(session)


async def test_cancelling_a_summary_leaves_the_conversation_as_it_was(session: Session) -> None:
    steps = [reads(number, padding=LENGTHY) for number in range(12)]

    def cancel(_: Request) -> Sequence[StreamPart]:
        agent.cancel()
        return SUMMARY

    engine = FakeEngine(*steps, [TOO_LONG], cancel)
    agent = agent_of(session, engine, sandbox=sandbox())
    events = await play(agent)
    assert (ending(events), compactions(events)) == (("cancelled", ""), [])
    assert tuple(session.messages) == engine.requests[-2].messages
    assert_every_call_has_one_result(session)


async def test_a_later_turn_goes_on_from_the_view_and_may_compact_again(session: Session) -> None:
    steps = [reads(number, padding=LENGTHY) for number in range(12)]
    engine = FakeEngine(*steps, [TOO_LONG], SUMMARY, says("one"), *steps, [TOO_LONG], SUMMARY, says("two"))
    agent = agent_of(session, engine, sandbox=sandbox())
    await play(agent, "first")
    view = list(session.messages)
    events = await play(agent, "second")
    assert (ending(events), [each.how for each in compactions(events)]) == (("done", ""), ["summarised"])
    assert engine.requests[15].messages[:-1] == tuple(view)
    assert "Asked: do it." in engine.requests[-2].messages[1].content, "the first summary is part of what is summed up"
    said = [message.content for message in session.messages if message.role == "user"]
    assert (said[0], said[2], len(said)) == ("first", "second", 3)
    assert_every_call_has_one_result(session)
