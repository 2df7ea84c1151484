import json
from pathlib import Path

import pytest

from glmcode_engine.base import (
    EngineError,
    ReasoningDelta,
    Repaired,
    RetryNotice,
    Stop,
    StreamPart,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from glmcode_engine.guard import GuardedEngine
from glmcode_engine.messages import Message, Request, Usage
from tests.engine.guard.streams import REQUEST, play
from tests.fakes import FakeEngine

GOOD: list[StreamPart] = [TextDelta("good"), Stop("stop")]
CIRCLE: list[StreamPart] = [ReasoningDelta("!" * 50)] * 40


async def test_a_good_answer_passes_as_it_is() -> None:
    parts: list[StreamPart] = [
        RetryNotice(1, 0.5, "busy"),
        ReasoningDelta("hm"),
        TextDelta("a < b"),
        TextDelta(" and more"),
        ToolCallDelta(0, "x", "read", '{"path": "a.py"}'),
        UsageReport(Usage(prompt_tokens=1)),
        Stop("tool_calls"),
    ]
    played = await play(parts)
    assert [part for part in played.parts if part.kind != "tool_call"] == [*parts[:4], *parts[5:]]
    assert [(call.id, call.name, call.arguments) for call in played.message.tool_calls] == [
        ("x", "read", '{"path": "a.py"}')
    ]


async def test_text_goes_out_at_once_unless_a_tag_may_begin() -> None:
    engine = FakeEngine([TextDelta("one "), TextDelta("two <too"), TextDelta("thpick> <tool_"), *GOOD])
    sent = [part.text async for part in GuardedEngine(engine).stream(REQUEST) if isinstance(part, TextDelta)]
    assert sent == ["one ", "two ", "<toothpick> ", "<tool_good"]


async def test_without_tools_nothing_is_taken_for_a_call() -> None:
    leaked = "<tool_call>run_tests</tool_call>"
    played = await play([TextDelta(leaked), Stop("stop")], request=REQUEST.model_copy(update={"tools": ()}))
    assert (played.message.content, played.repairs) == (leaked, [])


async def test_the_second_try_is_without_thinking_and_the_first_is_closed() -> None:
    closed: list[bool] = []

    class Closing(FakeEngine):
        async def stream(self, request: Request):  # type: ignore[no-untyped-def]
            try:
                async for part in super().stream(request):
                    yield part
            finally:
                closed.append(True)

    engine = Closing([*CIRCLE, *GOOD], GOOD)
    parts = [part async for part in GuardedEngine(engine).stream(REQUEST)]
    assert [request.thinking for request in engine.requests] == [True, False]
    assert engine.requests[1].messages == REQUEST.messages
    assert closed == [True, True]
    assert sum(isinstance(part, ReasoningDelta) for part in parts) < 15
    assert [part for part in parts if isinstance(part, Repaired)] == [
        Repaired("degenerate", "the thinking runs in circles; asked again with thinking off", restarts=True)
    ]


async def test_a_second_answer_in_circles_is_an_error() -> None:
    played = await play([*CIRCLE, *GOOD], [*CIRCLE, *GOOD])
    assert played.error is not None and played.error.kind == "unusable"
    assert "circles" in str(played.error)


async def test_thinking_beyond_its_budget_is_stopped() -> None:
    thoughts: list[StreamPart] = [ReasoningDelta(f"step {n * n}: {n**5} ") for n in range(300)]
    played = await play([*thoughts, *GOOD], GOOD, thinking_budget=500)
    assert (played.repairs, played.message.content) == (["thinking_budget"], "good")
    assert (await play([*thoughts, *GOOD])).repairs == []


@pytest.mark.parametrize("size", [1, 7, 500])
async def test_long_ordinary_texts_are_not_taken_for_circles(size: int) -> None:
    text = Path(__file__).read_text("utf-8") * 2
    parts = [ReasoningDelta(text[at : at + size]) for at in range(0, len(text), size)]
    assert (await play([*parts, *GOOD])).repairs == []


async def test_what_was_held_goes_out_when_the_stream_breaks_and_no_call_does() -> None:
    broken: list[StreamPart | EngineError] = [
        TextDelta("x <tool_call>run_tests</tool_call>"),
        ToolCallDelta(0, "x", "run_tests", "{}"),
        EngineError("unreachable", "broke off"),
    ]
    played = await play(broken)
    assert played.error is not None and played.error.kind == "unreachable"
    assert played.message == Message(role="assistant", content="x <tool_call>run_tests</tool_call>")


async def test_a_stream_without_an_end_is_an_error_and_nothing_runs() -> None:
    played = await play([TextDelta("x"), ToolCallDelta(0, "x", "run_tests", "{}")])
    assert played.error is not None and played.error.kind == "unreachable"
    assert (played.message.content, played.runs) == ("x", [])


async def test_info_and_closing_are_those_of_the_engine_inside() -> None:
    engine = FakeEngine()
    guarded = GuardedEngine(engine)
    assert guarded.info == engine.info
    await guarded.aclose()


CALLS_WITHOUT_END: dict[str, list[StreamPart]] = {
    "spaces": [ToolCallDelta(0, "x", "shell", '{"command": "'), *[ToolCallDelta(0, arguments=" " * 100)] * 400],
    "a sentence": [
        ToolCallDelta(0, "x", "write", '{"path": "'),
        *[ToolCallDelta(0, arguments="and once more ")] * 2_000,
    ],
    "the same call": [ToolCallDelta(at, None, "read", '{"path": "a.py"}') for at in range(2_000)],
}


@pytest.mark.parametrize("parts", CALLS_WITHOUT_END.values(), ids=CALLS_WITHOUT_END.keys())
async def test_calls_that_run_in_circles_are_stopped(parts: list[StreamPart]) -> None:
    played = await play(parts, GOOD)
    assert (played.repairs, played.message.content, played.runs) == (["degenerate"], "good", [])


async def test_a_long_file_that_is_written_is_no_circle() -> None:
    content = json.dumps({"path": "a.py", "content": Path(__file__).read_text("utf-8") * 3})
    pieces: list[StreamPart] = [ToolCallDelta(0, arguments=content[at : at + 9]) for at in range(0, len(content), 9)]
    played = await play([ToolCallDelta(0, "x", "write"), *pieces, Stop("tool_calls")])
    assert (played.repairs, [name for name, _ in played.runs]) == ([], ["write"])


async def test_an_answer_longer_than_any_model_gives_is_stopped() -> None:
    numbers = [TextDelta("".join(f"{n}:{n * n} " for n in range(at, at + 9_000))) for at in range(0, 1_800_000, 9_000)]
    played = await play(numbers, GOOD)
    assert (played.repairs, played.message.content) == (["degenerate"], "good")
