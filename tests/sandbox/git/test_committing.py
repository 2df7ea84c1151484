import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from glmcode_sandbox.git.committing import CommitProblem, commit_paths, preview_commit
from glmcode_sandbox.git.gitrun import WorkspaceError
from tests.sandbox.repositories import git, make_repository, write


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home whose git knows them."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_CONFIG"))]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/.gitconfig").write_text("[user]\n\tname = Ünal P\n\temail = p@example.org\n")
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.txt": "a\n", "b.txt": "b\n", "gone": "g\n", "d/c.txt": "c\n"})


def status(repo: Path) -> list[str]:
    return git(repo, "status", "--porcelain").splitlines()


def succeeds(repo: Path, *words: str) -> bool:
    """What a person's git says to a command, with all that is configured."""
    return subprocess.run(["git", *words], cwd=repo, capture_output=True, check=False).returncode == 0


async def test_only_the_named_files_are_committed_and_the_rest_stays_staged(repo: Path) -> None:
    write(repo, {"a.txt": "a2\n", "b.txt": "staged\n", "new/x": "x\n", "d/c.txt": "unstaged\n"})
    git(repo, "add", "b.txt")
    write(repo, {"b.txt": "staged and edited\n"})
    (repo / "gone").unlink()
    (repo / "link").symlink_to("a.txt")
    write(repo, {"run": "r\n"})
    (repo / "run").chmod(0o755)
    made = await commit_paths(repo, ["a.txt", "new/x", "gone", "link", "run"], "  Do it\n\nBecause.\n")
    assert made.paths == ("a.txt", "gone", "link", "new/x", "run") and made.branch == "main" and not made.unsigned
    assert git(repo, "log", "-1", "--format=%H|%an|%ae|%cn|%B|%P").strip() == (
        f"{made.id}|Ünal P|p@example.org|Ünal P|Do it\n\nBecause.\n|{git(repo, 'rev-parse', 'HEAD~1').strip()}"
    )
    assert status(repo) == ["MM b.txt", " M d/c.txt"]
    assert git(repo, "show", "HEAD:link") == "a.txt"
    assert git(repo, "ls-tree", "HEAD", "run").startswith("100755")
    assert git(repo, "reflog", "-1", "--format=%gs").strip() == "commit: Do it Because."
    git(repo, "fsck", "--strict")


async def test_the_first_commit_of_a_branch(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "trunk")
    write(repo, {"a": "a\n", "b": "b\n"})
    made = await commit_paths(repo, ["a"], "first")
    assert (made.branch, made.paths, status(repo)) == ("trunk", ("a",), ["?? b"])


async def test_in_a_linked_working_tree(repo: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(repo, "worktree", "add", "-q", "-b", "side", str(tree))
    write(tree, {"a.txt": "side\n"})
    made = await commit_paths(tree, ["a.txt"], "aside")
    assert made.branch == "side" and git(repo, "show", "side:a.txt") == "side\n"
    assert status(tree) == status(repo) == []


async def test_names_that_mean_something_to_git_or_shells(repo: Path) -> None:
    odd = [":(top)x", "-q", 'qu"o\te', "new\nline", "raw\udcff", "sta*r", "ü"]
    write(repo, {"starter": "not this one\n", **dict.fromkeys(odd, "odd\n")})
    made = await commit_paths(repo, odd, "odd")
    assert set(made.paths) == set(odd)
    assert status(repo) == ["?? starter"]


async def test_line_ends_are_committed_as_the_attributes_and_the_person_want_them(repo: Path, home: Path) -> None:
    write(repo, {".gitattributes": "*.bat text eol=crlf\n", "x.bat": "1\r\n", "y.txt": "1\r\n"})
    await commit_paths(repo, [".gitattributes", "x.bat", "y.txt"], "ends")
    assert git(repo, "show", "HEAD:x.bat") == "1\n" and git(repo, "show", "HEAD:y.txt") == "1\r\n"
    git(repo, "config", "core.autocrlf", "input")
    write(repo, {"z.txt": "1\r\n"})
    await commit_paths(repo, ["z.txt"], "ends")
    assert git(repo, "show", "HEAD:z.txt") == "1\n"


TRAPS = {
    "core.hooksPath": "{hooks}",
    "core.fsmonitor": "{trap}",
    "core.pager": "{trap}",
    "core.editor": "{trap}",
    "core.sshCommand": "{trap}",
    "diff.external": "{trap}",
    "diff.x.textconv": "{trap}",
    "diff.x.command": "{trap}",
    "merge.x.driver": "{trap}",
    "filter.other.clean": "{trap}",
    "filter.other.smudge": "{trap}",
    "filter.other.process": "{trap}",
    "commit.gpgSign": "true",
    "gpg.program": "{trap}",
    "gpg.format": "openpgp",
    "credential.helper": "!{trap}",
    "alias.commit-tree": "!{trap}",
    "trailer.x.command": "{trap}",
    "gc.auto": "1",
}
HOOKS = ("pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "reference-transaction", "post-index-change")


async def test_nothing_that_the_repository_names_is_executed(repo: Path, tmp_path: Path) -> None:
    canary, trap, hooks = tmp_path / "executed", tmp_path / "trap", tmp_path / "hooks"
    trap.write_text(f"#!/bin/sh\necho \"$0 $*\" >>'{canary}'\ncat\nexit 1\n")
    trap.chmod(0o755)
    for folder in (hooks, repo / ".git/hooks"):
        folder.mkdir(exist_ok=True)
        for name in HOOKS:
            (folder / name).write_bytes(trap.read_bytes())
            (folder / name).chmod(0o755)
    write(repo, {".gitattributes": "*.txt diff=x merge=x\nd/* filter=unknown\n", "a.txt": "a2\n", "d/c.txt": "c2\n"})
    for key, value in TRAPS.items():
        git(repo, "config", key, value.format(trap=trap, hooks=hooks))
    assert not succeeds(repo, "commit", "-qam", "x") and canary.exists(), "the traps work"
    canary.unlink()
    made = await commit_paths(repo, [".gitattributes", "a.txt", "d/c.txt"], "harmless")
    assert not canary.exists()
    assert made.unsigned and made.id == (repo / ".git/refs/heads/main").read_text().strip()


async def test_a_file_that_belongs_behind_a_filter_is_not_committed_without_it(repo: Path) -> None:
    git(repo, "config", "filter.crypt.v1.clean", "encrypt")
    write(repo, {".gitattributes": "secret* filter=crypt.v1\n", "secret.key": "plain\n"})
    head = git(repo, "rev-parse", "HEAD")
    with pytest.raises(CommitProblem, match=r"secret\.key is stored through the filter crypt\.v1"):
        await commit_paths(repo, ["secret.key"], "no")
    assert git(repo, "rev-parse", "HEAD") == head and not git(repo, "diff", "--cached", "--name-only")


@pytest.mark.parametrize("state", ["detached", "merge", "rebase", "cherry-pick", "lock", "unmerged"])
async def test_in_the_middle_of_something_nothing_is_committed(repo: Path, state: str) -> None:
    git(repo, "checkout", "-qb", "side")
    write(repo, {"a.txt": "side\n"})
    git(repo, "commit", "-qam", "side")
    git(repo, "checkout", "-q", "main")
    write(repo, {"a.txt": "main\n"})
    git(repo, "commit", "-qam", "main")
    said = "not finished"
    match state:
        case "detached":
            git(repo, "checkout", "-q", "--detach")
            said = "no branch"
        case "merge" | "rebase" | "cherry-pick":
            assert not succeeds(repo, state, "side")
            said = "no branch" if state == "rebase" else said
        case "lock":
            write(repo, {".git/index.lock": ""})
            said = "another git"
        case _:
            assert not succeeds(repo, "merge", "side")
            (repo / ".git/MERGE_HEAD").unlink()
            said = "not merged"
    write(repo, {"b.txt": "b2\n"})
    before = (git(repo, "rev-parse", "HEAD"), (repo / ".git/index").read_bytes())
    with pytest.raises(CommitProblem, match=said):
        await commit_paths(repo, ["b.txt"], "no")
    if state != "detached":
        with pytest.raises(CommitProblem):
            await commit_paths(repo, ["b.txt"], "no", detached=True)
    assert (git(repo, "rev-parse", "HEAD"), (repo / ".git/index").read_bytes()) == before


async def test_a_commit_on_no_branch_when_that_is_asked_for(repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    write(repo, {"b.txt": "b2\n"})
    made = await commit_paths(repo, ["b.txt"], "loose", detached=True)
    assert made.branch is None and git(repo, "rev-parse", "HEAD").strip() == made.id
    assert git(repo, "rev-parse", "main").strip() != made.id


@pytest.mark.parametrize(
    ("paths", "message", "said"),
    [
        (["a.txt"], "m", "nothing to commit"),
        (["no such file"], "m", "nothing to commit"),
        ([], "m", "nothing to commit"),
        (["b.txt"], " \n", "needs a message"),
        (["../x"], "m", "not a path inside"),
        ([".git/config"], "m", "not a path inside"),
        (["/etc/passwd"], "m", "not a path inside"),
    ],
)
async def test_what_cannot_be_committed_is_said(repo: Path, paths: list[str], message: str, said: str) -> None:
    write(repo, {"b.txt": "b2\n"})
    with pytest.raises(CommitProblem, match=said):
        await commit_paths(repo, paths, message)
    assert status(repo) == [" M b.txt"]


async def test_who_is_unknown_is_told_what_to_do(repo: Path, home: Path) -> None:
    (home / ".gitconfig").unlink()
    write(repo, {"b.txt": "b2\n"})
    with pytest.raises(CommitProblem, match=r"git config --global user\.name"):
        await commit_paths(repo, ["b.txt"], "m")
    with pytest.raises(CommitProblem, match=r"git config --global user\.name"):
        await preview_commit(repo, ["b.txt"])


async def test_files_of_other_repositories_are_committed_there(repo: Path, tmp_path: Path) -> None:
    library = make_repository(tmp_path / "library", {"x": "x\n"})
    git(repo, "submodule", "add", "-q", str(library), "sub")
    git(repo, "commit", "-qm", "sub")
    write(repo, {"sub/x": "x2\n"})
    for path in ("sub", "sub/x"):
        with pytest.raises(CommitProblem, match="another repository"):
            await commit_paths(repo, [path], "m")


async def test_a_file_behind_a_link_is_not_reached(repo: Path, tmp_path: Path) -> None:
    write(tmp_path, {"outside/c.txt": "secret\n"})
    (repo / "d/c.txt").unlink()
    (repo / "d").rmdir()
    (repo / "d").symlink_to(tmp_path / "outside")
    try:
        made = await commit_paths(repo, ["d/c.txt"], "m")
    except WorkspaceError:
        return
    assert made.paths == ("d/c.txt",) and "d/c.txt" not in git(repo, "ls-tree", "-r", "HEAD")


async def test_a_branch_that_moves_meanwhile_keeps_its_place_and_the_index_too(repo: Path) -> None:
    write(repo, {"b.txt": "b2\n"})
    # No lock can be had on the branch, as while another git moves it.
    write(repo, {".git/refs/heads/main.lock": ""})
    with pytest.raises(WorkspaceError):
        await commit_paths(repo, ["b.txt"], "m")
    (repo / ".git/refs/heads/main.lock").unlink()
    assert status(repo) == [" M b.txt"] and git(repo, "log", "--format=%s").split() == ["start"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another owner")
async def test_everything_belongs_to_the_owner_of_the_repository() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        repo = make_repository(Path(name, "repo"), {"b.txt": "b\n"})
        for path in [repo, *repo.rglob("*")]:
            os.chown(path, 4321, 4322, follow_symlinks=False)
        write(repo, {"b.txt": "b2\n", "e/new": "n\n"})
        await commit_paths(repo, ["b.txt", "e/new"], "m")
        assert {path.lstat().st_uid for path in (repo / ".git").rglob("*")} == {4321}


async def test_a_preview_shows_what_would_be_committed_and_writes_nothing(repo: Path) -> None:
    write(repo, {"a.txt": "a2\n", "b.txt": "staged\n"})
    git(repo, "add", "b.txt")
    (repo / "gone").unlink()
    before = {path: path.read_bytes() for path in (repo / ".git").rglob("*") if path.is_file()}
    shown = await preview_commit(repo, ["a.txt", "gone", "d/c.txt"])
    assert [(each.path, each.status) for each in shown.changes] == [("a.txt", "modified"), ("gone", "deleted")]
    assert shown.branch == "main" and b"+a2" in shown.diff and set(shown.entries) == {"a.txt", "gone"}
    assert {path: path.read_bytes() for path in (repo / ".git").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("after", ["a3\n", None])
async def test_what_is_no_longer_as_it_was_shown_is_not_committed(repo: Path, after: str | None) -> None:
    write(repo, {"a.txt": "a2\n", "b.txt": "b2\n"})
    shown = await preview_commit(repo, ["a.txt", "b.txt"])
    if after is None:
        (repo / "a.txt").unlink()
    else:
        write(repo, {"a.txt": after})
    head = git(repo, "rev-parse", "HEAD")
    with pytest.raises(CommitProblem, match="look again"):
        await commit_paths(repo, ["a.txt", "b.txt"], "m", expected=shown.entries)
    assert git(repo, "rev-parse", "HEAD") == head
    assert (await commit_paths(repo, ["b.txt"], "m", expected=shown.entries)).paths == ("b.txt",)
