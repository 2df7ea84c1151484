import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode.editor.jsonc import JsoncError, parse
from glmcode.editor.tasks import INPUTS, KEPT, as_json, tasks
from glmcode.editor.tasks_file import put_in, take_out

CORPUS = sorted(Path(__file__).with_name("corpus").glob("*.json"))
OURS = [as_json(task) for task in tasks()]


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def value_of(text: str) -> Any:
    node = parse(text)
    assert node is not None
    return node.value


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_in_and_out_again_gives_back_the_same_bytes(path: Path) -> None:
    before = text_of(path.read_bytes())
    edited = put_in(before)
    assert edited.text != before
    assert take_out(edited.text).text == before


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_putting_in_twice_changes_nothing_more(path: Path) -> None:
    once = put_in(text_of(path.read_bytes())).text
    assert put_in(once).text == once


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_all_tasks_are_there_and_what_was_there_is_as_it_was(path: Path) -> None:
    before = parse(text_of(path.read_bytes()))
    theirs = before.value if before else {}
    merged = value_of(put_in(text_of(path.read_bytes())).text)
    kept = theirs.get("tasks", [])
    labels = {each.get("label") for each in kept if isinstance(each, dict)}
    assert [each for each in merged["tasks"] if each in kept] == kept
    assert [each for each in OURS if each["label"] not in labels] == merged["tasks"][len(kept) :]
    rest = {key: value for key, value in merged.items() if key not in ("tasks", "inputs", "version")}
    assert rest == {key: value for key, value in theirs.items() if key not in ("tasks", "inputs", "version")}
    assert {each.id for each in INPUTS} <= {each["id"] for each in merged["inputs"] if isinstance(each, dict)}


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_every_character_of_the_user_is_still_there_in_order(path: Path) -> None:
    merged = iter(put_in(text_of(path.read_bytes())).text)
    assert all(char in merged for char in text_of(path.read_bytes()))


def test_a_missing_file_is_made_and_unmade() -> None:
    made = put_in(None)
    assert value_of(made.text)["version"] == "2.0.0" and value_of(made.text)["tasks"] == OURS
    gone = take_out(made.text)
    assert gone.text == "" and gone.made is not None


def test_a_users_task_of_the_same_label_stays_and_is_told_of() -> None:
    theirs = '{"tasks": [{"label": "glmcode: Fix failing tests", "detail": "mine", "command": "make"}]}'
    edited = put_in(theirs)
    assert "tasks: glmcode: Fix failing tests is yours and stays as it is" in edited.notes
    labels = [each["label"] for each in value_of(edited.text)["tasks"]]
    assert labels.count("glmcode: Fix failing tests") == 1
    assert take_out(edited.text).text == theirs


def test_an_older_task_of_ours_is_brought_up_to_date_in_its_place_and_a_discontinued_one_goes() -> None:
    old = {**OURS[0], "args": ["fix", "old"]}
    gone = {"label": "glmcode: Old one", "detail": f"x {KEPT}"}
    text = json.dumps({"version": "2.0.0", "tasks": [gone, old, {"label": "mine"}]}, indent=2)
    merged = value_of(put_in(text).text)["tasks"]
    assert merged[:2] == [OURS[0], {"label": "mine"}] and gone not in merged


def test_a_task_that_the_user_made_his_own_by_its_detail_survives_the_removal() -> None:
    edited = put_in(None).text.replace(f"Makes the failing tests pass and proves it {KEPT}", "as I like it")
    again = put_in(edited)
    assert again.text == edited and len(again.notes) == 1
    left = value_of(take_out(again.text).text)
    assert [each["detail"] for each in left["tasks"]] == ["as I like it"] and "inputs" not in left


def test_what_the_user_added_to_a_file_of_ours_survives_the_removal() -> None:
    made = put_in(None).text
    mine = made.replace(
        '"tasks": [ // made by glmcode vscode init',
        '"tasks": [ // made by glmcode vscode init\n{"label": "mine"}, // x',
    )
    assert value_of(take_out(mine).text) == {"version": "2.0.0", "tasks": [{"label": "mine"}]}
    assert "glmcode" not in take_out(mine).text


def test_an_input_that_a_task_of_the_user_asks_for_is_kept() -> None:
    text = put_in('{"tasks": [{"label": "mine", "args": ["${input:glmcode.approval}"]}]}').text
    out = take_out(text)
    assert [each["id"] for each in value_of(out.text)["inputs"]] == ["glmcode.approval"]
    assert out.notes == ("input glmcode.approval is kept, since a task of yours asks for it",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"tasks": [}', "line 1, column 12"),
        ('{"tasks": {}}', "tasks is no list"),
        ("[]", "no object"),
        ('{"version": "0.1.0"}', "0.1.0"),
        ('{"a": 1\n "b": 2}', "line 2, column 2: a comma or } is missing"),
        ("{'a': 1}", "double quotes"),
        ('{"a": "x', "does not end"),
        ("{} {}", "after the end"),
        ("[" * 5000, "nested"),
        ('{"a": nope}', "a value is missing"),
    ],
)
def test_what_is_no_tasks_file_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(JsoncError, match=words):
        put_in(text)


BLANK = st.sampled_from(["", " ", "\n", "\r\n", "\n\t", " // c, ]}\n", ' /* { " */ ', "\n    // it's \"x\n    "])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A value written down in some way."""
    match value:
        case dict():
            parts = [
                json.dumps(key) + draw(BLANK) + ":" + draw(BLANK) + draw(written(each)) for key, each in value.items()
            ]
        case list():
            parts = [draw(written(each)) for each in value]
        case _:
            return json.dumps(value, ensure_ascii=draw(st.booleans()))
    joined = ",".join(draw(BLANK) + part + draw(BLANK) for part in parts)
    trailing: bool = draw(st.booleans())
    last = ("," if parts and trailing else "") + draw(BLANK)
    return f"[{joined}{last}]" if isinstance(value, list) else f"{{{joined}{last}}}"


@st.composite
def files(draw: st.DrawFn) -> str:
    root: dict[str, Any] = draw(st.dictionaries(st.text(max_size=5), VALUES, max_size=2))
    for name in draw(st.sets(st.sampled_from(["tasks", "inputs"]))):
        root[name] = draw(
            st.lists(st.dictionaries(st.sampled_from(["label", "id", "detail"]), SCALARS, max_size=2), max_size=3)
        )
    text: str = draw(BLANK) + draw(written(root)) + draw(BLANK)
    return draw(st.sampled_from(["", "\ufeff"])) + text


@given(text=files())
@settings(max_examples=60)
def test_every_way_of_writing_comes_back_as_it_was(text: str) -> None:
    before = value_of(text)
    edited = put_in(text).text
    assert put_in(edited).text == edited
    assert value_of(edited)["tasks"][len(before.get("tasks", [])) :] == OURS
    assert take_out(edited).text == text


def test_a_file_of_very_many_tasks_is_read_but_a_few_times() -> None:
    mine = ",".join(f'{{"label": "task {number}"}}' for number in range(5_000))
    text = f'{{"version": "2.0.0", "tasks": [{mine}]}}'
    began = time.process_time()
    edited = put_in(text)
    assert take_out(edited.text).text == text
    assert time.process_time() - began < 60  # once for each task of the file took many minutes
