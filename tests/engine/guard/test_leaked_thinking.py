import pytest

from glmcode_engine.base import EngineError, Stop, StreamPart, TextDelta
from tests.engine.guard.streams import cut, play

LEAKED_CALL = "<tool_call>run_tests</tool_call>"


async def answer(text: str, size: int, stop: str = "stop") -> tuple[str | None, str, list[str]]:
    pieces: list[StreamPart | EngineError] = [TextDelta(piece) for piece in cut(text, size)]
    played = await play([*pieces, Stop(stop)])
    return played.message.reasoning_content, played.message.content, played.repairs


@pytest.mark.parametrize("size", [1, 3, 10_000])
async def test_thinking_at_the_beginning_of_the_text_becomes_thinking(size: int) -> None:
    assert await answer("\n<think>a < b </thi</think>\nThe answer.", size) == (
        "a < b </thi",
        "\nThe answer.",
        ["leaked_thinking"],
    )


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize("text", ["The tag <think> opens it.", "<thin", "\n <b>", "", "</think> is it", "<", " "])
async def test_other_text_stays_as_it_is(text: str, size: int) -> None:
    assert await answer(text, size) == (None, text, [])


async def test_an_answer_that_only_thinks_is_empty() -> None:
    assert await answer("<think>and so on", 4) == ("and so on", "", ["leaked_thinking"])


async def test_a_call_behind_such_thinking_is_found() -> None:
    pieces: list[StreamPart | EngineError] = [TextDelta(f"<think>I test.</think>\n{LEAKED_CALL}")]
    played = await play([*pieces, Stop("stop")])
    assert (played.runs, played.repairs) == ([("run_tests", {})], ["leaked_thinking", "leaked_call"])


async def test_what_is_held_goes_out_when_the_stream_breaks() -> None:
    played = await play([TextDelta("\n<th"), EngineError("unreachable", "broke off")])
    assert (played.message.content, played.message.reasoning_content) == ("\n<th", None)
