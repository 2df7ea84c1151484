"""Calls of the model: looked up, validated, told what is wrong."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_sandbox.clean import clean_text
from glmcode_tools.base import ToolContext, ToolOutput
from glmcode_tools.edit import EditArguments
from glmcode_tools.read import ReadArguments
from glmcode_tools.todo import TodoArguments
from glmcode_tools.toolbox import Prepared, Toolbox
from tests.fakes import FakeSandbox

TOOLBOX = Toolbox()


def prepared(name: str, arguments: object) -> Prepared:
    call = TOOLBOX.prepare(name, json.dumps(arguments))
    assert isinstance(call, Prepared), call
    return call


def refused(name: str, arguments: str) -> str:
    output = TOOLBOX.prepare(name, arguments)
    assert isinstance(output, ToolOutput)
    assert output.is_error
    return output.text


def test_order_of_tools_is_stable() -> None:
    names = [description.name for description in TOOLBOX.descriptions]
    assert names == ["read", "glob", "grep", "edit", "write", "shell", "job", "run_tests", "todo"]


def test_unknown_tool_lists_the_real_ones() -> None:
    assert refused("bash\x1b[1m", "{}").startswith("There is no tool bash. The tools are: read, glob,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"path": "a"', "not JSON"),
        ('{"path": "a"}{"path": "b"}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"path": ' + "9" * 5000 + "}", "not JSON"),
        ('{"path": "a", "path": "b"}', "the key path comes twice"),
        ("[1]", "not a JSON object"),
        ('"x"', "not a JSON object"),
        ("{}", "`path` is missing"),
        ("", "`path` is missing"),
        ('{"path": "a", "lines": 3}', "`lines` is not one of its arguments"),
        ('{"path": "a", "offset": 0}', "`offset`: Input should be greater than or equal to 1"),
        ('{"path": "a\\u0000b"}', "NUL"),
        ('{"path": "\\ud800"}', "lone surrogate"),
        ('{"path": {"a": 1}}', "`path`: Input should be a valid string"),
    ],
)
def test_unusable_arguments_are_explained(arguments: str, said: str) -> None:
    text = refused("read", arguments)
    assert said in text
    assert "Wanted is one JSON object with: path (string), offset (integer, optional)" in text
    assert len(text) < 1500


def test_values_in_the_wrong_json_type_are_put_right() -> None:
    assert prepared("read", {"path": 12, "offset": "5", "limit": None}).arguments == ReadArguments(path="12", offset=5)
    edit = prepared("edit", {"path": "a", "old": "1", "new": 2, "replace_all": "True"}).arguments
    assert edit == EditArguments(path="a", old="1", new="2", replace_all=True)
    todo = prepared("todo", {"items": '[{"content": "x", "status": "done"}]'}).arguments
    assert isinstance(todo, TodoArguments)
    assert todo.items[0].status == "done"


def test_json_written_as_text_stays_text() -> None:
    call = prepared("write", {"path": "a.json", "content": '{"a": 1}'})
    assert call.arguments.model_dump()["content"] == '{"a": 1}'


def test_paths_that_would_be_written_are_named() -> None:
    assert prepared("write", {"path": "a/b", "content": ""}).paths == ("a/b",)
    assert prepared("edit", {"path": "./c", "old": "a", "new": "b"}).paths == ("./c",)
    assert prepared("shell", {"command": "rm -rf x"}).paths == ()


@pytest.mark.parametrize(
    ("name", "arguments", "title"),
    [
        ("edit", {"path": "src/a.py", "old": "a", "new": "b"}, "edit src/a.py"),
        ("shell", {"command": "pytest -q\n\x1b[2Jrm x"}, "shell: pytest -q rm x"),
        ("run_tests", {}, "run_tests"),
        ("run_tests", {"ids": ["a::b"]}, "run_tests a::b"),
        ("grep", {"pattern": "x", "path": "src"}, "grep x in src"),
        ("todo", {"items": []}, "todo (0 items)"),
    ],
)
def test_titles_are_one_clean_line(name: str, arguments: dict[str, object], title: str) -> None:
    assert TOOLBOX.one_line(prepared(name, arguments)) == title


async def test_file_problem_is_an_error_output() -> None:
    context = ToolContext(sandbox=FakeSandbox())
    output = await TOOLBOX.run(prepared("read", {"path": "nothing"}), context)
    assert output.is_error
    assert output.text == "there is no nothing"


@given(
    st.sampled_from(["read", "edit", "todo", "shell", "grep"]), st.text(max_size=80) | st.binary(max_size=60).map(repr)
)
def test_any_arguments_are_prepared_or_explained(name: str, arguments: str) -> None:
    output = TOOLBOX.prepare(name, arguments)
    if isinstance(output, ToolOutput):
        assert output.is_error
        assert clean_text(output.text) == output.text


@given(
    st.dictionaries(
        st.sampled_from(["path", "offset", "limit", "old"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda s: st.lists(s, max_size=2)
        ),
    )
)
def test_any_json_object_is_prepared_or_explained(arguments: dict[str, object]) -> None:
    output = TOOLBOX.prepare("read", json.dumps(arguments))
    assert isinstance(output, Prepared) or output.is_error


def test_import_pulls_in_nothing_heavy() -> None:
    code = (
        "import sys, glmcode_tools.toolbox\n"
        "heavy = {'openai', 'docker', 'yaml', 'asyncio', 'difflib', 'xml', 'glmcode_tools.testing.run'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
