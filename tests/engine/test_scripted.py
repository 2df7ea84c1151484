import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.base import EngineError, Stop, ToolCallDelta
from glmcode_engine.messages import Message, Request
from glmcode_engine.script import Answer, ScriptedCall, ScriptError, load_script
from glmcode_engine.scripted import ScriptedEngine
from tests.engine.answers import READ_TOOL, answer_of, ask, parts_of

YAML = """
- reasoning: I look first.
  content: Reading.
  tool_calls:
    - {name: read, arguments: {path: src/a.py, limit: 5}}
    - name: read
      arguments: '{"path": broken'
- content: Done — fertig.
"""


async def test_a_yaml_script_is_played_one_answer_a_request(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text(YAML, "utf-8")
    engine = ScriptedEngine.from_file(path)
    first = (await answer_of(engine, ask())).message()
    second = await answer_of(engine, ask())

    assert (first.reasoning_content, first.content) == ("I look first.", "Reading.")
    assert json.loads(first.tool_calls[0].arguments) == {"path": "src/a.py", "limit": 5}
    assert first.tool_calls[1].arguments == '{"path": broken'
    assert (second.message().content, second.stop) == ("Done — fertig.", "stop")
    assert (engine.info.kind, engine.info.model) == ("scripted", "demo.yaml")


async def test_a_json_script_is_played_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    call = {"name": "write", "arguments": {"path": "a", "content": "x" * 100}}
    path.write_text(json.dumps([{"content": "c" * 100, "tool_calls": [call]}]))
    parts = await parts_of(ScriptedEngine.from_file(path), ask())

    assert sum(part.kind == "text" for part in parts) > 2
    assert sum(isinstance(part, ToolCallDelta) for part in parts) > 5
    assert [part.kind for part in parts[-2:]] == ["usage", "stop"]
    assert parts[-1] == Stop("tool_calls")


async def test_a_script_that_is_over_says_so() -> None:
    engine = ScriptedEngine([Answer(content="only")], name="short.yaml")
    await answer_of(engine, ask())
    with pytest.raises(EngineError, match=r"short\.yaml") as caught:
        await answer_of(engine, ask())
    assert caught.value.kind == "unusable"


async def test_without_thinking_no_reasoning_is_played() -> None:
    engine = ScriptedEngine([Answer(reasoning="hm", content="hi")])
    answer = await answer_of(engine, ask(thinking=False))
    assert answer.message() == Message(role="assistant", content="hi")
    assert answer.usage is not None
    assert answer.usage.reasoning_tokens == 0


async def test_usage_counts_the_shared_beginning_as_cached() -> None:
    engine = ScriptedEngine([Answer(content="one"), Answer(content="two"), Answer(content="three")])
    request = ask("u" * 400)
    first = await answer_of(engine, request)
    longer = Request(messages=(*request.messages, first.message()), tools=(READ_TOOL,))
    second = await answer_of(engine, longer)
    changed = await answer_of(engine, Request(messages=(Message(role="user", content="other"),)))

    assert first.usage is not None
    assert second.usage is not None
    assert changed.usage is not None
    assert first.usage.cached_tokens == 0
    assert first.usage.prompt_tokens - 1 <= second.usage.cached_tokens < second.usage.prompt_tokens
    assert changed.usage.cached_tokens < 10


async def test_ids_stay_unique_when_a_session_goes_on_with_a_new_engine() -> None:
    script = [Answer(tool_calls=(ScriptedCall(name="read"),))]
    request = ask()
    first = (await answer_of(ScriptedEngine(script), request)).message()
    result = Message(role="tool", content="x", tool_call_id=first.tool_calls[0].id)
    resumed = Request(messages=(*request.messages, first, result))
    second = (await answer_of(ScriptedEngine(script), resumed)).message()
    assert first.tool_calls[0].id != second.tool_calls[0].id


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("a.yaml", "- content: [", "not valid YAML"),
        ("a.json", "[{]", "not valid JSON"),
        ("a.yaml", "content: x", "a list of answers, this is a mapping"),
        ("a.yaml", "", "this is empty"),
        ("a.yaml", "[]", "no answer"),
        ("a.yaml", "- content: x\n- just text", "entry 2: an answer is a mapping"),
        ("a.yaml", "- contents: x", "entry 1: contents"),
        ("a.yaml", "- content: x\n- {}", "entry 2: needs at least one"),
        ("a.yaml", "- tool_calls: [{arguments: {}}]", "entry 1: tool_calls.0.name"),
        ("a.yaml", "- tool_calls: [{name: read, arguments: [1]}]", "entry 1: tool_calls.0.arguments"),
        ("a.yaml", "- content: !!python/object:os.system {}", "not valid YAML"),
        ("a.json", "[" * 50_000, "not valid JSON"),
        ("a.yaml", "[" * 1_000, "not valid YAML"),
    ],
)
def test_a_bad_script_is_named_with_entry_and_reason(name: str, text: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ScriptError) as caught:
        load_script(path)
    assert str(path) in str(caught.value)
    assert wrong in str(caught.value)


def test_a_missing_script_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_script(tmp_path / "none.yaml")


@given(st.text(max_size=60), st.sampled_from(["s.yaml", "s.json"]))
def test_any_text_is_a_script_or_a_script_error(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_text(text, "utf-8")
    try:
        assert load_script(path)
    except ScriptError as error:
        assert name in str(error)
