import subprocess
from pathlib import Path

from glmcode.tui.branch import branch_of
from tests.glmcode.live.working import make_repo


def git(repo: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(repo), "-c", "user.name=n", "-c", "user.email=e@x", *arguments], check=True)


def test_the_branch_is_named_in_a_repository_and_in_a_linked_worktree(tmp_path: Path) -> None:
    repo = make_repo(tmp_path)
    git(repo, "checkout", "-qb", "feature/x")
    assert branch_of(repo) == "feature/x"
    git(repo, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    assert branch_of(tmp_path / "linked") == "other"


def test_a_commit_is_named_by_its_beginning_and_nothing_where_there_is_no_repository(tmp_path: Path) -> None:
    repo = make_repo(tmp_path)
    git(repo, "checkout", "-q", "--detach")
    assert len(branch_of(repo)) == 8
    assert branch_of(tmp_path) == ""
