from pathlib import Path
from typing import Any

import pytest

from glmcode.policy import Decision
from tests.glmcode.live.working import TASKS, Person, living, make_repo, played, shell

WRITES = shell("mkdir -p .vscode && printf '{\"evil\": 1}\\n' > .vscode/tasks.json")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_repo(tmp_path)


async def test_what_commands_did_to_task_files_is_asked_after_the_turn_and_taken_back(repo: Path) -> None:
    person = Person(Decision(False, "no tasks here"))
    async with living(repo, [{"tool_calls": [WRITES]}, {"content": "ok"}, {"content": "two"}], person=person) as live:
        await played(live.turn("one"))
        (question,) = person.asked
        assert (question.is_done, question.paths) == (True, (".vscode/tasks.json",))
        assert '+{"evil": 1}' in question.diff
        assert not (repo / ".vscode").exists()
        await played(live.turn("two"))
        assert live.place and len(person.asked) == 1
        said = live.place.session.messages[-2].content
        assert "- .vscode/tasks.json" in said and "no tasks here" in said and said.endswith("two")
    assert not any("warning" in line for line in person.heard)


async def test_what_is_kept_is_neither_asked_again_nor_named_at_the_end(repo: Path) -> None:
    person = Person(Decision(True))
    answers: list[dict[str, Any]] = [
        {"tool_calls": [WRITES]},
        {"content": "ok"},
        {"tool_calls": [shell("true")]},
        {"content": "two"},
    ]
    async with living(repo, answers, person=person) as live:
        await played(live.turn("one"))
        await played(live.turn("two"))
    assert len(person.asked) == 1 and (repo / ".vscode/tasks.json").exists()
    assert person.heard == []


async def test_what_a_tool_wrote_with_leave_is_not_asked_twice_but_what_a_command_makes_of_it_is(repo: Path) -> None:
    person = Person(Decision(True))
    answers: list[dict[str, Any]] = [
        {"tool_calls": [TASKS]},
        {"content": "ok"},
        {"tool_calls": [TASKS, WRITES]},
        {"content": "two"},
    ]
    async with living(repo, answers, person=person) as live:
        await played(live.turn("one"))
        assert [question.is_done for question in person.asked] == [False]
        await played(live.turn("two"))
        assert [question.is_done for question in person.asked] == [False, False, True]


async def test_a_file_that_the_person_changed_between_turns_is_theirs(repo: Path) -> None:
    person = Person(Decision(False))
    async with living(
        repo, [{"content": "one"}, {"tool_calls": [shell("true")]}, {"content": "ok"}], person=person
    ) as live:
        await played(live.turn("one"))
        (repo / ".envrc").write_text("mine\n")
        await played(live.turn("two"))
    assert person.asked == [] and (repo / ".envrc").read_text() == "mine\n"


async def test_in_auto_mode_it_is_named_and_stays(repo: Path) -> None:
    person = Person(Decision(False))
    async with living(repo, [{"tool_calls": [WRITES]}, {"content": "ok"}], person=person, approval="auto") as live:
        await played(live.turn("one"))
        assert person.asked == []
        assert [line for line in person.heard if ".vscode/tasks.json" in line]
    assert (repo / ".vscode/tasks.json").exists()


async def test_hooks_that_commands_change_are_put_back_as_they_were(repo: Path) -> None:
    (repo / "hooks").mkdir()
    (repo / "hooks/pre-commit").write_text("good\n")
    with (repo / ".git/config").open("a") as config:
        config.write("[core]\n\thooksPath = hooks\n")
    person = Person(Decision(False))
    answers: list[dict[str, Any]] = [
        {"tool_calls": [shell("echo evil >> hooks/pre-commit; echo x > hooks/post-merge")]},
        {"content": "ok"},
    ]
    async with living(repo, answers, person=person) as live:
        await played(live.turn("one"))
        assert set(person.asked[0].paths) == {"hooks/pre-commit", "hooks/post-merge"}
        assert (repo / "hooks/pre-commit").read_text() == "good\n"
    assert [path.name for path in (repo / "hooks").iterdir()] == ["pre-commit"]


async def test_the_question_shows_what_would_be_written_and_a_call_that_cannot_be_done_asks_nothing(repo: Path) -> None:
    (repo / ".envrc").write_text("one\ntwo\n")
    person = Person(Decision(False))
    edits = [
        {"name": "edit", "arguments": {"path": ".envrc", "old": "two", "new": "three"}},
        {"name": "edit", "arguments": {"path": ".envrc", "old": "none of this", "new": "x"}},
    ]
    async with living(repo, [{"tool_calls": edits}, {"content": "ok"}], person=person) as live:
        events = await played(live.turn("one"))
    (question,) = person.asked
    assert "-two\n+three\n" in question.diff and (repo / ".envrc").read_text() == "one\ntwo\n"
    results = [event.text for event in events if event.kind == "tool_finished"]
    assert results[0].startswith("Refused") and "does not occur" in results[1]


async def test_task_files_that_are_ignored_are_asked_about_as_well(repo: Path) -> None:
    (repo / ".gitignore").write_text(".vscode/\n.envrc\n")
    (repo / ".envrc").write_text("mine\n")
    person = Person(Decision(False, "not these"))
    answers: list[dict[str, Any]] = [
        {"tool_calls": [WRITES, shell("echo evil >>.envrc; echo x >plain")]},
        {"content": "ok"},
        {"tool_calls": [shell("true")]},
        {"content": "two"},
    ]
    async with living(repo, answers, person=person) as live:
        await played(live.turn("one"))
        (question,) = person.asked
        assert question.paths == (".envrc", ".vscode/tasks.json") and "+evil" in question.diff
        assert (repo / ".envrc").read_text() == "mine\n" and not (repo / ".vscode/tasks.json").exists()
        await played(live.turn("two"))
        assert len(person.asked) == 1
    assert (repo / "plain").exists() and not any("warning" in line for line in person.heard)
