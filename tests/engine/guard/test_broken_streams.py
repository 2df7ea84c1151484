import json

from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode_engine.base import EngineError, ReasoningDelta, Stop, StreamPart, TextDelta, ToolCallDelta
from glmcode_engine.repair.held_text import HeldText
from glmcode_engine.repair.leaked_calls import Plain, read_leaked_calls
from tests.engine.guard.streams import TOOLS, entries, play, stream_of

CORPUS = [*entries("leaked.yaml"), *entries("structured.yaml")]
BY_NAME = {tool.name: tool for tool in TOOLS}
TAGS = [
    "<tool_call>",
    "</tool_call>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
    "read",
    "path",
    "shell",
]
TAGS += [
    "command",
    "{",
    "}",
    '{"path": "a.py"}',
    '"',
    "\n",
    " ",
    "rm -rf /",
    "<function=",
    "</think>",
    "`",
    "[",
    "run_tests",
]
garbage = st.lists(st.sampled_from(TAGS) | st.text(max_size=4), max_size=14).map("".join)
any_part = st.one_of(
    st.builds(ReasoningDelta, garbage),
    st.builds(TextDelta, garbage),
    st.builds(ToolCallDelta, st.integers(0, 2), st.none() | st.just("x"), st.none() | garbage, garbage),
    st.builds(Stop, st.sampled_from(["stop", "length", "tool_calls"])),
)
COMMAND = "rm -rf /tmp/scratch && echo done"


def leaked(command: str) -> str:
    return f"<tool_call>shell\n<arg_key>command</arg_key>\n<arg_value>{command}</arg_value>\n</tool_call>"


@given(st.lists(any_part, max_size=12))
async def test_no_stream_makes_it_raise_anything_but_an_engine_error(parts: list[StreamPart]) -> None:
    played = await play(parts, parts)
    assert played.error is None or played.error.kind in ("unreachable", "unusable")
    for _, arguments in played.runs:
        assert isinstance(arguments, dict)
    if played.error is not None:
        assert not played.runs


@given(st.sampled_from(CORPUS), st.sampled_from(CORPUS), st.data())
async def test_corpus_streams_cut_joined_and_reordered_never_raise(
    one: object, other: object, data: st.DataObject
) -> None:
    assert isinstance(one, dict) and isinstance(other, dict)
    parts = [*stream_of(one, 7), *stream_of(other, 7)]
    kept = data.draw(st.lists(st.sampled_from(range(len(parts))), max_size=len(parts)))
    played = await play([parts[at] for at in kept], [TextDelta("x"), Stop("stop")])
    assert played.error is None or played.error.kind == "unreachable"


@given(st.integers(0, len(leaked(COMMAND))), st.sampled_from(["stop", "length", "tool_calls"]), st.sampled_from("rt"))
async def test_a_leaked_command_that_was_cut_never_runs(at: int, stop: str, where: str) -> None:
    kind = ReasoningDelta if where == "r" else TextDelta
    played = await play([kind(leaked(COMMAND)[:at]), Stop(stop)])
    assert played.runs in ([], [("shell", {"command": COMMAND})])


@given(st.integers(0, 60), st.sampled_from(["stop", "length", "tool_calls"]))
async def test_a_structured_command_that_was_cut_never_runs(at: int, stop: str) -> None:
    whole = json.dumps({"command": COMMAND})
    played = await play([ToolCallDelta(0, "x", "shell", whole[:at]), Stop(stop)])
    assert played.runs in ([], [("shell", {"command": COMMAND})])
    assert bool(played.runs) == (at >= len(whole))


@given(st.integers(0, len(leaked(COMMAND))), st.text(max_size=3))
async def test_a_corrupted_leaked_command_is_never_shortened(at: int, noise: str) -> None:
    text = leaked(COMMAND)
    played = await play([TextDelta(text[:at] + noise + text[at:]), Stop("stop")])
    for name, arguments in played.runs:
        assert name == "shell"
        assert len(arguments.get("command", COMMAND)) >= len(COMMAND)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(1, 9))
async def test_a_leaked_value_arrives_as_it_was_written(value: str, size: int) -> None:
    text = leaked(value)
    pieces: list[StreamPart | EngineError] = [TextDelta(text[i : i + size]) for i in range(0, len(text), size)]
    played = await play([*pieces, Stop("stop")])
    assert [json.loads(call.arguments) for call in played.message.tool_calls] == [{"command": value}]


@given(garbage)
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    pieces = read_leaked_calls(text, BY_NAME, ended=True)
    assert "".join(piece.text if isinstance(piece, Plain) else piece.raw for piece in pieces) == text


@given(st.lists(garbage, max_size=6))
@settings(max_examples=200)
def test_held_text_loses_and_reorders_nothing(pieces: list[str]) -> None:
    held = HeldText()
    assert "".join(map(held.feed, pieces)) + held.rest() == "".join(pieces)
