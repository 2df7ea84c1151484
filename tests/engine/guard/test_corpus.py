from typing import Any

import pytest

from glmcode_engine.base import ReasoningDelta, Stop, StreamPart, TextDelta
from tests.engine.guard.streams import entries, play, stream_of

CALLS = [*entries("leaked.yaml"), *entries("structured.yaml")]
CIRCLES = entries("circles.yaml")


def test_the_corpus_is_large_and_says_where_each_shape_comes_from() -> None:
    everything = [*CALLS, *CIRCLES]
    assert len(everything) >= 60
    assert all(entry["source"] for entry in everything)
    assert len({entry["name"] for entry in everything}) == len(everything)


@pytest.mark.parametrize("size", [1, 5, 10_000])
@pytest.mark.parametrize("entry", CALLS, ids=lambda entry: entry["name"])
async def test_only_whole_calls_run_and_none_twice(entry: dict[str, Any], size: int) -> None:
    played = await play(stream_of(entry, size))
    assert played.error is None
    assert played.runs == [(name, arguments) for name, arguments in entry.get("runs", [])]
    assert played.refused == entry.get("refused", 0)
    assert played.message.content.strip() == entry.get("text", "").strip()
    assert played.stop == entry.get("ends", played.stop)


@pytest.mark.parametrize("entry", CIRCLES, ids=lambda entry: entry["name"])
async def test_circles_are_stopped_and_asked_again_without_thinking(entry: dict[str, Any]) -> None:
    kind = ReasoningDelta if entry["where"] == "reasoning" else TextDelta
    circle: list[StreamPart] = [kind(entry.get("before", "")), *[kind(entry["piece"])] * entry["times"], Stop("stop")]
    played = await play(circle, [TextDelta("good"), Stop("stop")])
    if entry["stops"]:
        assert played.repairs == ["degenerate"]
        assert (played.message.content, played.message.reasoning_content) == ("good", None)
    else:
        assert played.repairs == []
        assert entry["piece"] in (played.message.content + (played.message.reasoning_content or ""))
