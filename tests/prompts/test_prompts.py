"""The texts and schemas that models read, pinned: a change of prompt shows as a change of the snapshot.

GLMCODE_WRITE_SNAPSHOTS=1 in the environment writes the snapshot anew.
"""

import json
import os
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_prompts.library import PromptError, fenced, fix_prompt, load
from glmcode_tools.toolbox import Toolbox

SNAPSHOT = Path(__file__).with_name("snapshot.md")
WRITE = bool(os.environ.get("GLMCODE_WRITE_SNAPSHOTS"))
SYSTEM = {"workspace": "/work/repository", "sandbox": "docker, network none"}
CHECK = (
    *(f"check/{name}" for name in ("system", "hello", "think", "calls", "reasoning", "log", "count")),
    *(f"check/tools/{name}" for name in ("look_up", "store", "read_log")),
)
REVIEW: dict[str, dict[str, str]] = {
    "accepted": {},
    "reviewed": {"decisions": "DECISIONS"},
    "refused": {"place": "a.py, line 3", "reason": ": REASON"},
    "edited": {"place": "a.py, line 3", "diff": fenced("DIFF")},
    "rest": {"place": "a.py, lines 3-9", "state": "accepted"},
}
EDITOR = ("fix_tests", "fix_file", "fix_selection", "explain_selection", "review")
TEXTS = (
    "aside",
    "attached",
    "by_hand",
    "changed_files",
    "changed_others",
    "commit_message",
    "committed",
    "compact",
    "compact_hint",
    "compacted",
    "dropped",
    "fix",
    "left_out",
    "left_out_files",
    "left_out_middle",
    "nudge_announced",
    "nudge_cut",
    "nudge_empty",
    "repacked",
    "repeated",
    "restored",
    "steered",
    "system",
    "taken_back",
    "task",
    "unsaved",
    "went_back",
)
MAX_TOKENS = 3000
CHARS_PER_TOKEN = 3.2
"""Low for English and JSON, so that the estimate is high."""


def schemas() -> str:
    lines = [json.dumps(tool.model_dump(), ensure_ascii=False) for tool in Toolbox().descriptions]
    return "\n".join(lines)


def everything() -> str:
    texts = {
        "system": load("system", **SYSTEM),
        "tools": schemas(),
        "fix": fix_prompt(issue="ISSUE", test_command="TEST COMMAND", baseline="BASELINE"),
        "task": load("task", task="TASK"),
        "nudge_empty": load("nudge_empty"),
        "nudge_announced": load("nudge_announced"),
        "nudge_cut": load("nudge_cut"),
        "repeated": load("repeated", times="3"),
        "compact": load("compact"),
        "compacted": load("compacted", summary="SUMMARY"),
        "dropped": load("dropped", count="7"),
        "attached": load("attached", name="src/a.py:3-9", content=fenced("TEXT")),
        "unsaved": load("unsaved", name="src/a.py", content=fenced("TEXT")),
        "taken_back": load("taken_back", files="FILES", reason=": REASON"),
        "restored": load("restored", files="FILES"),
        "went_back": load("went_back", files="FILES"),
        "left_out": load("left_out", call="read src/a.py", size="412 lines"),
        "left_out_middle": load("left_out_middle", count="9,000"),
        "left_out_files": load("left_out_files", count="2", names="a.py, b.py"),
        **{f"review/{name}": load(f"review/{name}", **values) for name, values in REVIEW.items()},
        "changed_files": load("changed_files", changes="CHANGES"),
        "changed_others": load("changed_others", names="NAMES"),
        "repacked": load("repacked"),
        "commit_message": load("commit_message", diff=fenced("DIFF")),
        "committed": load("committed", id="ID", files="FILES"),
        **{name: load(name) for name in CHECK},
        **{f"editor/{name}": load(f"editor/{name}") for name in EDITOR},
        "editor/about_file": load("editor/about_file", task="TASK", place="src/a.py"),
        "editor/about_selection": load(
            "editor/about_selection", task="TASK", place="src/a.py, line 2", selection="TEXT"
        ),
        "bench/system": load("bench/system", id="ID", pack="PACK"),
        **{name: load(name) for name in ("bench/first", "bench/second")},
    }
    return "\n\n".join(f"<!-- {name} -->\n{text}" for name, text in texts.items()) + "\n"


def test_texts_are_those_of_the_snapshot() -> None:
    if WRITE:
        SNAPSHOT.write_text(everything())
    assert everything() == SNAPSHOT.read_text()


def test_system_prompt_and_tools_are_small() -> None:
    assert len(load("system", **SYSTEM) + schemas()) / CHARS_PER_TOKEN <= MAX_TOKENS


def test_every_text_file_is_in_use() -> None:
    folder = files("glmcode_prompts")
    found = {entry.name for entry in folder.iterdir() if entry.name.endswith(".md")}
    assert found == {f"{name}.md" for name in TEXTS}
    tested = {f"{part}/{entry.name}" for part in ("check", "check/tools") for entry in folder.joinpath(part).iterdir()}
    assert {name for name in tested if name.endswith(".md")} == {f"{name}.md" for name in CHECK}
    assert {entry.name for entry in folder.joinpath("bench").iterdir()} == {"system.md", "first.md", "second.md"}
    assert {entry.name for entry in folder.joinpath("review").iterdir()} == {f"{name}.md" for name in REVIEW}
    editor = {entry.name for entry in folder.joinpath("editor").iterdir()}
    assert editor == {f"{name}.md" for name in (*EDITOR, "about_file", "about_selection")}
    tools = {entry.name for entry in folder.joinpath("tools").iterdir()}
    assert tools == {f"{tool.name}.md" for tool in Toolbox().descriptions}


def test_schemas_have_no_titles_and_no_references() -> None:
    text = schemas()
    assert '"title"' not in text
    assert "$ref" not in text and "$defs" not in text


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("system", {"workspace": "w"}, "values missing for ['sandbox']"),
        ("tools/read", {"path": "x"}, "no placeholder for ['path']"),
        ("nothing", {}, "there is no text nothing.md"),
        ("../secret", {}, "not a name of a text"),
    ],
)
def test_missing_and_unused_values_are_mistakes(name: str, values: dict[str, str], said: str) -> None:
    with pytest.raises(PromptError) as caught:
        load(name, **values)
    assert said in str(caught.value)


def test_placeholders_in_values_stay() -> None:
    assert load("task", task="{{task}} {{other}} \\1").startswith("{{task}} {{other}} \\1\n")


@given(st.text(alphabet="`a\n", max_size=40))
def test_data_cannot_end_its_fence(text: str) -> None:
    first, *middle, last = fenced(text).split("\n")
    assert first == last and set(first) == {"`"}
    assert "\n".join(middle) == text
    assert first not in text
