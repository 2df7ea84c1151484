from pathlib import Path

import pytest

from glmcode.context.index import history
from glmcode.context.index.history import HistoryReader
from glmcode.context.index.store import Store
from glmcode.context.ranking.past import history_scores, together
from glmcode.context.ranking.task import Task
from tests.glmcode.context.conftest import Commit, Write, git


def read(store: Store, repo: Path) -> list[tuple[str, ...]]:
    return [commit.paths for commit in HistoryReader(store, repo).commits()]


def test_new_commits_are_added_to_what_was_kept(tmp_path: Path, repo: Path, write: Write, commit: Commit) -> None:
    store = Store(tmp_path / "index.sqlite")
    assert read(store, repo) == []
    write({"a.py": "1"})
    commit("refund the order")
    assert read(store, repo) == [("a.py",)]
    write({"b.py": "2", "c.py": "3"})
    commit("charge")
    assert read(store, repo) == [("b.py", "c.py"), ("a.py",)]
    assert read(store, repo) == [("b.py", "c.py"), ("a.py",)]


def test_another_line_of_history_replaces_what_was_kept(
    tmp_path: Path, repo: Path, write: Write, commit: Commit
) -> None:
    store = Store(tmp_path / "index.sqlite")
    for name in ("a.py", "b.py"):
        write({name: name})
        commit(name)
    assert read(store, repo) == [("b.py",), ("a.py",)]
    git(repo, "reset", "-q", "--hard", "HEAD~1")
    assert read(store, repo) == [("a.py",)]


def test_a_merge_counts_every_commit_once_and_in_the_order_of_git(
    tmp_path: Path, repo: Path, write: Write, commit: Commit
) -> None:
    store = Store(tmp_path / "index.sqlite")
    write({"a.py": "a"})
    commit("a")
    git(repo, "checkout", "-qb", "side")
    write({"side.py": "s"})
    commit("side")
    assert read(store, repo) == [("side.py",), ("a.py",)]
    git(repo, "checkout", "-q", "-")
    write({"b.py": "b"})
    commit("b")
    assert read(store, repo) == [("b.py",), ("a.py",)]
    git(repo, "merge", "-q", "--no-ff", "-m", "merge", "side")
    cold = read(Store(tmp_path / "other.sqlite"), repo)
    assert sorted(cold) == [("a.py",), ("b.py",), ("side.py",)]
    for _ in range(3):
        assert read(store, repo) == cold


def test_what_git_had_no_time_for_is_asked_for_again(
    tmp_path: Path, repo: Path, write: Write, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "index.sqlite")
    for name in ("a.py", "b.py"):
        write({name: name})
        commit(name)
    monkeypatch.setattr(history, "LIMIT_S", 0.0)
    assert read(store, repo) == []
    monkeypatch.undo()
    assert read(store, repo) == [("b.py",), ("a.py",)]


def test_a_message_cannot_name_files(tmp_path: Path, repo: Path, write: Write, commit: Commit) -> None:
    write({"a.py": "1"})
    commit("x\x1f\nforged.py\x1f")
    assert read(Store(tmp_path / "index.sqlite"), repo) == [("a.py",)]


def test_messages_that_speak_of_the_task_and_common_changes_count(
    tmp_path: Path, repo: Path, write: Write, commit: Commit
) -> None:
    for number, (message, paths) in enumerate(
        [("first", ("a.py", "b.py")), ("round the refund", ("b.py", "c.py")), ("other", ("a.py",)), ("docs", ("d.py",))]
    ):
        write(dict.fromkeys(paths, str(number)))
        commit(message)
    commits = HistoryReader(Store(tmp_path / "index.sqlite"), repo).commits()
    scores = history_scores(commits, {"a.py", "b.py", "c.py", "d.py"}, Task("Refunds are rounded up"))
    assert set(scores["said"]) == {"b.py", "c.py"}
    assert set(together(commits, {"c.py": 1.0})) == {"b.py"}
