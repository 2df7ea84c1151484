import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.assemble import Assembler
from glmcode_engine.base import ReasoningDelta, StreamPart, TextDelta, UsageReport
from glmcode_engine.deltas import ChunkReader, read_usage
from glmcode_engine.messages import Usage


def read(*deltas: dict[str, Any]) -> list[StreamPart]:
    reader = ChunkReader()
    return [part for delta in deltas for part in reader.read({"choices": [{"index": 0, "delta": delta}]})]


def folded(*deltas: dict[str, Any]) -> list[tuple[str, str]]:
    answer = Assembler()
    for part in read(*deltas):
        answer.add(part)
    return [(call.name, call.arguments) for call in answer.message().tool_calls]


def call(index: int | None, call_id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    piece: dict[str, Any] = {"id": call_id, "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [piece if index is None else piece | {"index": index}]}


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "why"},
        {"reasoning": "why"},
        {"reasoning_content": "why", "reasoning": "why"},
        {"reasoning_content": None, "reasoning": "why", "reasoning_details": [{"text": "why"}]},
        {"reasoning_details": [{"text": "w"}, {"type": "reasoning.summary", "summary": "hy"}]},
        {"reasoning_content": "", "reasoning": "why", "content": None, "tool_calls": None},
    ],
)
def test_reasoning_is_read_once_under_any_name(delta: dict[str, Any]) -> None:
    assert read(delta) == [ReasoningDelta("why")]


def test_pieces_without_index_belong_to_the_call_before() -> None:
    deltas = (call(None, "1", "a", '{"x'), call(None, None, None, '": 1}'), call(None, "2", "b", "{}"))
    assert folded(*deltas) == [("a", '{"x": 1}'), ("b", "{}")]


def test_whole_calls_without_index_and_id_stay_apart() -> None:
    assert folded(call(None, None, "a", {"x": 1}), call(None, None, "a", {"x": 2})) == [
        ("a", '{"x": 1}'),
        ("a", '{"x": 2}'),
    ]


def test_an_id_repeated_with_every_piece_is_one_call() -> None:
    deltas = (call(0, "1", "a", "{"), call(0, "1", "a", "}"), call(None, "1", "a", " "))
    assert folded(*deltas) == [("a", "{} ")]


def test_interleaved_calls_are_told_apart_by_index() -> None:
    deltas = (call(1, "y", "b", "{"), call(0, "x", "a", "{"), call(1, None, None, "}"), call(0, None, None, "}"))
    assert sorted(folded(*deltas)) == [("a", "{}"), ("b", "{}")]


def test_the_whole_message_of_a_server_that_does_not_stream_is_read() -> None:
    reader = ChunkReader()
    chunk = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    assert list(reader.read(chunk)) == [TextDelta("hi")]
    assert reader.finish_reason == "stop"


def test_other_choices_are_not_mixed_in() -> None:
    chunk = {"choices": [{"index": 1, "delta": {"content": "other"}}, {"index": 0, "delta": {"content": "mine"}}]}
    assert list(ChunkReader().read(chunk)) == [TextDelta("mine")]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({"prompt_tokens": 9, "completion_tokens": 4}, Usage(prompt_tokens=9, completion_tokens=4)),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": None, "completion_tokens_details": None},
            Usage(prompt_tokens=9),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "reasoning_tokens": 3, "prompt_tokens_details": {}},
            Usage(prompt_tokens=9, completion_tokens=4, reasoning_tokens=3),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(prompt_tokens=9, cached_tokens=8, completion_tokens=4, reasoning_tokens=2),
        ),
        ({"prompt_tokens": -5, "completion_tokens": "7"}, Usage()),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    assert read_usage(usage) == expected


def test_repeated_usage_is_reported_when_it_changes() -> None:
    reader = ChunkReader()
    chunks = [{"choices": [], "usage": {"prompt_tokens": n}} for n in (1, 1, 2)]
    parts = [part for chunk in chunks for part in reader.read(chunk)]
    assert parts == [UsageReport(Usage(prompt_tokens=1)), UsageReport(Usage(prompt_tokens=2))]


KEYS = [
    "choices",
    "delta",
    "index",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "content",
    "usage",
    "reasoning",
    "reasoning_details",
    "text",
    "finish_reason",
    "prompt_tokens",
    "prompt_tokens_details",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(st.lists(json_values, max_size=4))
def test_no_chunk_whatever_raises(chunks: list[Any]) -> None:
    reader, answer = ChunkReader(), Assembler()
    for chunk in chunks:
        for part in reader.read({"choices": [{"delta": chunk}], "usage": chunk}):
            answer.add(part)
        for part in reader.read(chunk):
            answer.add(part)
    json.dumps(answer.message().model_dump())
