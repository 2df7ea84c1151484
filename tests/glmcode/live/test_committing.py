import subprocess
from pathlib import Path
from typing import Any

import pytest

from glmcode.live.committing import commit, propose
from glmcode.live.reviewing import carry_out, open_live_review
from glmcode.review.decisions import Accept, Decisions, Refuse
from glmcode_sandbox.git.committing import CommitProblem
from tests.glmcode.live.working import EDIT, Person, living, make_repo, played, shell

SCRIPT: list[dict[str, Any]] = [
    {"tool_calls": [EDIT, shell("echo x > new.txt")]},
    {"content": "done"},
    {"content": "```\nAdd instead of subtracting\n\nIt is called add.\n```"},
    {"content": "ok"},
]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.gitconfig").write_text("[user]\n\tname = Ada\n\temail = a@example.org\n")
    repo = make_repo(tmp_path)
    (repo / "mine.txt").write_text("one\n")
    git(repo, "add", "mine.txt")
    git(repo, "commit", "-qm", "mine")
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\ntouch hook-ran\nexit 1\n")
    hook.chmod(0o755)
    return repo


def git(repo: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=repo, capture_output=True, text=True, check=True).stdout


async def test_what_the_session_changed_is_committed_with_the_models_words_and_nothing_else(repo: Path) -> None:
    (repo / "mine.txt").write_text("staged\n")
    git(repo, "add", "mine.txt")
    person = Person()
    async with living(repo, SCRIPT, person=person) as live:
        await played(live.turn("make add add"))
        (repo / "untracked.txt").write_text("u\n")
        proposal = await propose(live)
        assert [change.path for change in proposal.preview.changes] == ["calc.py", "new.txt"]
        assert b"+    return a + b" in proposal.preview.diff and proposal.mixed == frozenset()
        assert proposal.message == "Add instead of subtracting\n\nIt is called add."
        assert git(repo, "log", "--format=%s").split() == ["mine", "base"]
        made = await commit(live, proposal, proposal.message)
        assert git(repo, "log", "-1", "--format=%H %an %B").strip() == f"{made.id} Ada {proposal.message}"
        assert git(repo, "status", "--porcelain") == "M  mine.txt\n?? untracked.txt\n"
        await played(live.turn("and now?"))
        assert live.place
        said = [message.content for message in live.place.session.messages if message.role == "user"]
        assert f"committed these files as {made.id[:12]}: calc.py, new.txt]" in said[-1]
        assert not any("commit message" in text for text in said), "the model was asked beside the conversation"
        with pytest.raises(CommitProblem, match="as in the last commit"):
            await propose(live, "again")
    assert not (repo / "hook-ran").exists() and person.heard == []


async def test_files_that_the_person_changed_too_are_marked_and_may_be_left_out(repo: Path) -> None:
    (repo / "calc.py").write_text("# mine\ndef add(a, b):\n    return a - b\n")
    async with living(repo, SCRIPT) as live:
        await played(live.turn("make add add"))
        proposal = await propose(live, "given")
        assert (proposal.mixed, proposal.message) == (frozenset({"calc.py"}), "given")
        made = await commit(live, proposal, "only the new one", {"new.txt"})
        assert made.paths == ("new.txt",) and git(repo, "status", "--porcelain") == " M calc.py\n"


async def test_nothing_is_committed_that_was_not_shown(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("make add add"))
        proposal = await propose(live, "given")
        (repo / "new.txt").write_text("secret\n")
        with pytest.raises(CommitProblem, match="look again"):
            await commit(live, proposal, "given")
        assert git(repo, "log", "--format=%s").split() == ["mine", "base"]


async def test_of_an_isolated_session_what_was_applied_is_committed(repo: Path) -> None:
    async with living(repo, SCRIPT, workspace="isolated") as live:
        await played(live.turn("make add add"))
        with pytest.raises(CommitProblem, match="/review"):
            await propose(live, "given")
        review = await open_live_review(live)
        decisions = Decisions(review)
        decisions.file("calc.py", Accept())
        decisions.file("new.txt", Refuse())
        await carry_out(live, review, decisions)
        made = await commit(live, await propose(live, "given"), "given")
        assert made.paths == ("calc.py",) and git(repo, "status", "--porcelain") == ""


async def test_a_session_that_comes_back_still_knows_what_it_changed(repo: Path) -> None:
    async with living(repo, SCRIPT) as live:
        await played(live.turn("make add add"))
        session = live.id
    (repo / "mine.txt").write_text("mine\n")
    async with living(repo, [{"content": ""}], resume=session) as live:
        proposal = await propose(live)
        assert proposal.message == "make add add", "the model gave no words"
        assert (await commit(live, proposal, proposal.message)).paths == ("calc.py", "new.txt")


async def test_before_anything_was_changed_there_is_nothing_to_commit(repo: Path) -> None:
    async with living(repo, [{"content": "hi"}]) as live:
        with pytest.raises(CommitProblem, match="nothing to commit"):
            await propose(live)
        await played(live.turn("hi"))
        with pytest.raises(CommitProblem, match="nothing to commit"):
            await propose(live)
