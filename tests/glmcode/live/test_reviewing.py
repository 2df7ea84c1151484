from pathlib import Path
from typing import Any

import pytest

from glmcode.live.reviewing import carry_out, changed_files, open_live_review
from glmcode.live.rewinding import changes_of, preview, rewind, steps_of
from glmcode.review.decisions import Accept, Decisions, Refuse
from tests.glmcode.live.working import EDIT, living, make_repo, played, shell

BASE = "def add(a, b):\n    return a - b\n"
SCRIPT: list[dict[str, Any]] = [
    {"tool_calls": [EDIT, shell("echo x > new.txt")]},
    {"content": "done"},
    {"tool_calls": [shell("cat calc.py; ls")]},
    {"content": "seen"},
    {"content": "again"},
]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return make_repo(tmp_path)


@pytest.mark.parametrize("mode", ["direct", "isolated"])
async def test_what_is_refused_is_gone_for_user_and_model_and_told(repo: Path, mode: str) -> None:
    async with living(repo, SCRIPT, workspace=mode) as live:
        assert await changed_files(live) == () and (await open_live_review(live)).files == ()
        await played(live.turn("fix add"))
        assert [each.path for each in await changed_files(live)] == ["calc.py", "new.txt"]
        review = await open_live_review(live)
        decisions = Decisions(review)
        decisions.refuse(review.files[0].hunks[0].id, "minus is right")
        decisions.file("new.txt", Accept())
        done = await carry_out(live, review, decisions)
        assert done.applied
        assert (repo / "calc.py").read_text() == BASE and (repo / "new.txt").read_text() == "x\n"
        assert await changed_files(live) == ()
        events = await played(live.turn("look"))
        output = next(event.text for event in events if event.kind == "tool_finished")
        assert "a - b" in output and "new.txt" in output
        assert live.place
        told = [message.content for message in live.place.session.messages if message.role == "user"][1]
        assert "refused and taken back: minus is right" in told and told.endswith("look")


async def test_what_was_agreed_on_in_an_isolated_workspace_is_not_carried_over_again(repo: Path) -> None:
    async with living(repo, SCRIPT, workspace="isolated") as live:
        await played(live.turn("fix add"))
        review = await open_live_review(live)
        decisions = Decisions(review)
        decisions.file("calc.py", Accept())
        await carry_out(live, review, decisions)
        await live.leave()
        assert not (repo / "new.txt").exists()
        await played(live.turn("look"))
        assert [each.path for each in await changed_files(live)] == ["new.txt"]


async def test_what_the_user_changed_between_turns_is_not_reviewed(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("fix add"))
        (repo / "mine.txt").write_text("m\n")
        await played(live.turn("look"))
        assert [each.path for each in await changed_files(live)] == ["calc.py", "new.txt"]
        review = await open_live_review(live)
        assert [file.path for file in review.files] == ["calc.py", "new.txt"]
        decisions = Decisions(review)
        decisions.all(Accept())
        await carry_out(live, review, decisions)
        assert await changed_files(live) == () and (repo / "mine.txt").exists()


async def test_going_back_to_a_step_does_not_bring_back_what_was_refused_after_it(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("fix add"))
        review = await open_live_review(live)
        decisions = Decisions(review)
        decisions.file("new.txt", Refuse())
        decisions.file("calc.py", Accept())
        await carry_out(live, review, decisions)
        (repo / "mine.txt").write_text("m\n")
        await played(live.turn("look"))
        steps = steps_of(live)
        assert [[each.path for each in await changes_of(live, step)] for step in steps[2:]] == [[], []]
        assert (await preview(live, "2")).files == ()
        await rewind(live, "2", files=True, conversation=True)
        assert not (repo / "new.txt").exists() and (repo / "calc.py").read_text() == BASE.replace("-", "+")
        assert (repo / "mine.txt").exists()
