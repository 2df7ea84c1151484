"""Repositories of every shape: worktrees, submodules, empty and bare ones, other formats, and folders that are none."""

import os
import socket
from pathlib import Path

import pytest

from glmcode_sandbox.copytree import copy_tree
from glmcode_sandbox.workspace import WorkspaceError, find_repository, open_workspace
from tests.sandbox.entering import Shape, derived_from, entered
from tests.sandbox.repositories import contents, git, git_state, make_repository, write


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.txt": "a\n", "d/b.txt": "b\n"})


def test_the_repository_is_found_from_below_and_through_a_link(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo / "d")
    assert find_repository(tmp_path / "link") == repo
    assert find_repository(repo / ".git" / "refs") == repo


def test_no_repository_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"no git repository around .*: run `git init` there or pass --repo DIR"):
        find_repository(tmp_path)
    with pytest.raises(WorkspaceError, match="is not a folder"):
        find_repository(tmp_path / "missing")


def test_a_bare_repository_is_refused(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    with pytest.raises(WorkspaceError, match="is a bare repository: clone it"):
        find_repository(tmp_path / "bare.git" / "refs")


async def test_a_linked_git_folder_is_refused(repo: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", {"x": "x"})
    (tmp_path / "other/.git").symlink_to(repo / ".git")
    with pytest.raises(WorkspaceError, match="symbolic link"):
        await open_workspace(tmp_path / "other", "direct", state_dir=tmp_path / "state")


async def test_a_repository_without_commits(tmp_path: Path, mode: Shape) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q")
    async with entered(repo, mode, tmp_path / "state") as space:
        assert (space.base_commit, space.dirty) == (None, False)
        write(space.host_path, {"first.txt": "1\n"})
        assert b"+1" in await space.patch()
        if mode != "direct":
            assert git(space.host_path, "status", "--porcelain") == "?? first.txt\n"
            assert (await space.apply()).applied
            assert contents(repo) == contents(space.host_path)


async def test_a_repository_of_sha256(tmp_path: Path, mode: Shape) -> None:
    repo = make_repository(tmp_path / "repo", {"a.txt": "a\n"}, object_format="sha256")
    async with entered(repo, mode, tmp_path / "state") as space:
        assert len(space.start_tree) == 64
        write(space.host_path, {"a.txt": "b\n", "c": "c\n"})
        full = await space.tree()
        assert await space.mixed_tree(space.start_tree, full, frozenset({"a.txt", "c"})) == full
        async with derived_from(space, full) as derived:
            assert await derived.tree() == full


async def test_a_linked_worktree(repo: Path, tmp_path: Path, mode: Shape) -> None:
    tree = tmp_path / "tree"
    git(repo, "worktree", "add", "-q", "-b", "side", str(tree))
    before = git_state(repo)
    async with entered(tree, mode, tmp_path / "state") as space:
        assert not space.dirty
        assert not space.notes
        write(space.host_path, {"a.txt": "a2\n"})
        targets = [mount.target for mount in space.mounts if mount.read_only]
        if mode == "direct":
            assert targets[:2] == [f"{tree}/.git", f"{repo}/.git"]
        else:
            copied = [f"{tree}/.git", f"{tree}/.git/objects"]
            assert targets == ([f"{tree}/.git/original-objects"] if mode == "overlay" else copied)
            assert git(space.host_path, "status", "--porcelain", "--branch") == "## side\n M a.txt\n"
            assert (await space.apply()).applied
            assert (tree / "a.txt").read_text() == "a2\n"
    assert git_state(repo) == before


async def test_inside_a_submodule(repo: Path, tmp_path: Path, mode: Shape) -> None:
    library = make_repository(tmp_path / "library", {"lib.txt": "l\n"})
    git(repo, "submodule", "add", "-q", str(library), "sub")
    async with entered(repo / "sub", mode, tmp_path / "state") as space:
        assert space.repo == repo / "sub"
        assert not space.notes
        write(space.host_path, {"lib.txt": "l2\n"})
        assert [change.path for change in await space.changes()] == ["lib.txt"]
        if mode == "direct":
            assert f"{repo}/.git/modules/sub" in [mount.target for mount in space.mounts if mount.read_only]
        else:
            assert git(space.host_path, "status", "--porcelain") == " M lib.txt\n"


async def test_git_status_works_in_a_copy_with_submodules(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    library = make_repository(tmp_path / "library", {"lib.txt": "l\n"})
    git(repo, "submodule", "add", "-q", str(library), "sub")
    git(repo, "commit", "-qam", "sub")
    async with entered(repo, isolated, tmp_path / "state") as space:
        assert git(space.host_path, "status", "--porcelain") == ""
        assert "start" in git(space.host_path / "sub", "log", "--oneline")


async def test_a_sparse_checkout_shows_no_deletions(repo: Path, tmp_path: Path, mode: Shape) -> None:
    write(repo, {"other/c.txt": "c\n"})
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "more")
    git(repo, "sparse-checkout", "set", "d")
    assert not (repo / "other").exists()
    async with entered(repo, mode, tmp_path / "state") as space:
        assert not space.dirty
        write(space.host_path, {"d/b.txt": "b2\n", "other/c.txt": "c2\n"})
        assert [change.path for change in await space.changes()] == ["d/b.txt", "other/c.txt"]


@pytest.mark.parametrize("setting", ["core.splitIndex", "core.untrackedCache", "feature.manyFiles", "index.sparse"])
async def test_every_kind_of_index_is_read(repo: Path, tmp_path: Path, setting: str, isolated: Shape) -> None:
    git(repo, "config", setting, "true")
    write(repo, {"new.txt": "n\n"})
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "more")
    async with entered(repo, isolated, tmp_path / "state") as space:
        assert not space.dirty
        write(space.host_path, {"a.txt": "a2\n"})
        assert [change.path for change in await space.changes()] == ["a.txt"]


@pytest.mark.parametrize("damage", [b"", b"DIRC junk", b"\0" * 4096])
async def test_a_damaged_index_is_made_anew(repo: Path, tmp_path: Path, damage: bytes) -> None:
    (repo / ".git/index").write_bytes(damage)
    async with entered(repo, "direct", tmp_path / "state") as space:
        assert not space.dirty


async def test_conflicts_in_the_index_are_taken_as_the_files_are(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    git(repo, "checkout", "-qb", "side")
    write(repo, {"a.txt": "side\n"})
    git(repo, "commit", "-qam", "side")
    git(repo, "checkout", "-q", "main")
    write(repo, {"a.txt": "main\n"})
    git(repo, "commit", "-qam", "main")
    with pytest.raises(AssertionError):
        git(repo, "merge", "side")
    async with entered(repo, isolated, tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "both\n"})
        assert [change.path for change in await space.changes()] == ["a.txt"]
        assert (await space.apply()).applied


async def test_a_repository_that_cannot_be_written_is_for_isolated_only(
    repo: Path, tmp_path: Path, isolated: Shape
) -> None:
    (repo / "d").chmod(0o555)
    repo.chmod(0o555)
    with pytest.raises(WorkspaceError, match="use --workspace isolated"):
        await open_workspace(repo, "direct", state_dir=tmp_path / "state")
    async with entered(repo, isolated, tmp_path / "state") as space:
        assert not space.dirty
        write(space.host_path, {"d/new.txt": "x"})
        assert [change.path for change in await space.changes()] == ["d/new.txt"]
    repo.chmod(0o755)
    (repo / "d").chmod(0o755)


async def test_a_broken_repository_is_told_in_words(repo: Path, tmp_path: Path) -> None:
    (repo / ".git/config").write_text("[core\n")
    with pytest.raises(WorkspaceError, match=r"cannot be read as a git repository: .*bad config"):
        await open_workspace(repo, "direct", state_dir=tmp_path / "state")
    assert not (tmp_path / "state").exists() or not list((tmp_path / "state").iterdir())


def test_a_copy_shares_no_inode_and_skips_what_is_no_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write(source, {"a": "a", "d/b": "b", "exe": "x"})
    (source / "exe").chmod(0o751)
    os.link(source / "a", source / "hard")
    os.utime(source / "a", ns=(1, 1_234_567_890_123_456_789))
    os.utime(source / "d", ns=(1, 1_234_567_890_000_000_000))
    (source / "dangling").symlink_to("/nowhere//x")
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "socket"))
        report = copy_tree(source, tmp_path / "target")
    assert contents(tmp_path / "target") == contents(source)
    assert sorted(report.skipped) == ["pipe: a device, pipe or socket", "socket: a device, pipe or socket"]
    copied = (tmp_path / "target/a").stat()
    assert copied.st_nlink == 1
    assert copied.st_mtime_ns == 1_234_567_890_123_456_789
    assert (tmp_path / "target/d").stat().st_mtime_ns == 1_234_567_890_000_000_000


def test_a_file_of_holes_stays_one(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with (tmp_path / "source/huge").open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 30)
        file.write(b"data")
    copy_tree(tmp_path / "source", tmp_path / "target")
    with (tmp_path / "target/huge").open("rb") as file:
        file.seek(1 << 30)
        assert file.read(6) == b"data\0\0"
    status = (tmp_path / "target/huge").stat()
    assert (status.st_size, status.st_blocks < 1000) == (1 << 40, True)
