import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.assemble import Assembler
from glmcode_engine.base import (
    ReasoningDelta,
    RetryNotice,
    Stop,
    StreamPart,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from glmcode_engine.messages import Message, Usage


def folded(*parts: StreamPart, id_prefix: str = "call_", taken: tuple[str, ...] = ()) -> Assembler:
    answer = Assembler(id_prefix, taken=taken)
    for part in parts:
        answer.add(part)
    return answer


def test_parts_become_one_message() -> None:
    answer = folded(
        RetryNotice(1, 0.5, "busy"),
        ReasoningDelta("\nwh"),
        ReasoningDelta("y"),
        TextDelta("a"),
        TextDelta("b"),
        ToolCallDelta(1, "y", "edit"),
        ToolCallDelta(0, "x", "read"),
        ToolCallDelta(0, arguments='{"path"'),
        ToolCallDelta(1, arguments="{}"),
        ToolCallDelta(0, arguments=': "a"}'),
        UsageReport(Usage(prompt_tokens=1)),
        UsageReport(Usage(prompt_tokens=2)),
        Stop("tool_calls"),
    )
    message = answer.message()
    assert (message.reasoning_content, message.content) == ("\nwhy", "ab")
    assert [(c.id, c.name, c.arguments) for c in message.tool_calls] == [
        ("x", "read", '{"path": "a"}'),
        ("y", "edit", "{}"),
    ]
    assert answer.usage == Usage(prompt_tokens=2)
    assert answer.stop == "tool_calls"


def test_nothing_makes_an_empty_message() -> None:
    answer = folded()
    assert answer.message() == Message(role="assistant")
    assert answer.empty
    assert answer.usage is None
    assert answer.stop is None


@pytest.mark.parametrize("given_ids", [(None, None), ("", ""), ("same", "same"), ("call_0", None), ("old", "old")])
def test_ids_end_up_unique(given_ids: tuple[str | None, str | None]) -> None:
    parts = [ToolCallDelta(i, call_id, "read", "{}") for i, call_id in enumerate(given_ids)]
    calls = folded(*parts, taken=("old", "call_1")).message().tool_calls
    ids = {call.id for call in calls}
    assert len(ids) == 2
    assert not ids & {"", "old", "call_1"}


def test_ids_stay_the_same_each_time_the_message_is_asked_for() -> None:
    answer = folded(ToolCallDelta(0, None, "a", "{}"), ToolCallDelta(1, "call_0", "b", "{}"), id_prefix="call_")
    assert answer.message() == answer.message(partial=True) == answer.message()


def test_a_partial_answer_has_only_complete_calls() -> None:
    answer = folded(
        TextDelta("so far"), ToolCallDelta(0, "x", "read", '{"path": "a"}'), ToolCallDelta(1, "y", "write", '{"path')
    )
    partial = answer.message(partial=True)
    assert (partial.content, [call.id for call in partial.tool_calls]) == ("so far", ["x"])
    assert len(answer.message().tool_calls) == 2


@pytest.mark.parametrize("names", [("read",), ("read", "read"), ("re", "read"), ("re", "ad"), ("", "read")])
def test_a_name_may_come_once_repeated_grown_or_in_pieces(names: tuple[str, ...]) -> None:
    answer = folded(*(ToolCallDelta(0, "x", name) for name in names))
    assert answer.message().tool_calls[0].name == "read"


def test_a_surrogate_pair_split_over_two_parts_is_joined_and_a_lone_half_replaced() -> None:
    answer = folded(TextDelta("a\ud83d"), TextDelta("\ude00b"), ReasoningDelta("\ud83d"))
    assert answer.message().content == "a😀b"
    assert answer.message().reasoning_content == "\ufffd"


texts = st.text(st.characters(), max_size=8)
parts_ = st.one_of(
    st.builds(ReasoningDelta, texts),
    st.builds(TextDelta, texts),
    st.builds(ToolCallDelta, st.integers(0, 3), st.none() | texts, st.none() | texts, texts),
    st.builds(Stop, texts),
)


@given(st.lists(parts_, max_size=20))
def test_any_parts_make_a_message_that_survives_json(parts: list[StreamPart]) -> None:
    answer = Assembler()
    for part in parts:
        answer.add(part)
        message = answer.message(partial=True)
        assert Message.model_validate_json(message.model_dump_json()) == message
    message = answer.message()
    assert Message.model_validate(json.loads(message.model_dump_json())) == message
    assert len({call.id for call in message.tool_calls}) == len(message.tool_calls)


@given(st.text(max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_how_text_is_cut_does_not_matter(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    whole = folded(TextDelta(text), ReasoningDelta(text), ToolCallDelta(0, "x", "n", text))
    cut = folded(
        *(TextDelta(piece) for piece in pieces),
        *(ReasoningDelta(piece) for piece in pieces),
        ToolCallDelta(0, "x", "n"),
        *(ToolCallDelta(0, arguments=piece) for piece in pieces),
    )
    assert cut.message() == whole.message()
