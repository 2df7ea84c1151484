"""Bringing the changes of an isolated workspace back: all, or nothing."""

import os
import shutil
from pathlib import Path

import pytest

from glmcode_sandbox.workspace import WorkspaceError
from glmcode_sandbox.workspaces.transaction import Transaction, Write
from tests.sandbox.entering import Shape, derived_from, entered
from tests.sandbox.repositories import contents, git, git_state, make_repository, write


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(
        tmp_path / "repo",
        {"a.txt": "a\n", "b/one.txt": "1\n", "b/two.txt": "2\n", "run.sh": "#!/bin/sh\n", "bin.dat": bytes(range(256))},
    )


async def test_every_kind_of_change_arrives(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    (repo / "a.txt").chmod(0o640)
    write(repo, {"user.txt": "untracked\n"})
    before = git_state(repo)
    async with entered(repo, isolated, tmp_path / "state") as space:
        top = space.host_path
        write(top, {"a.txt": "a2\n", "new/x/y.txt": "y\n", "bin.dat": b"\xff\0" * 50, "user.txt": "edited\n"})
        shutil.rmtree(top / "b")
        (top / "run.sh").chmod(0o755)
        (top / "link").symlink_to("a.txt")
        result = await space.apply()
        assert result.applied
        assert set(result.paths) == {change.path for change in await space.changes()}
        assert contents(repo) == contents(top) | {"a.txt": (0o640, b"a2\n")}
        assert not (repo / "b").exists()
        assert git_state(repo) == before
        assert (await space.apply()).paths == ()


async def test_changes_after_an_apply_are_brought_by_the_next(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    async with entered(repo, isolated, tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "a2\n"})
        assert (await space.apply()).applied
        write(space.host_path, {"a.txt": "a3\n"})
        assert (await space.apply()).paths == ("a.txt",)
        assert (repo / "a.txt").read_text() == "a3\n"
        assert [change.path for change in await space.changes()] == ["a.txt"]


@pytest.mark.parametrize("theirs", ["edited", "deleted", "executable", "linked", "folder linked", "appeared"])
async def test_a_path_that_changed_underneath_stops_everything(
    repo: Path, tmp_path: Path, theirs: str, isolated: Shape
) -> None:
    outside = tmp_path / "outside"
    write(outside, {"one.txt": "1\n", "two.txt": "2\n"})
    async with entered(repo, isolated, tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "a2\n", "b/one.txt": "11\n", "fresh.txt": "f\n"})
        expected = "b/one.txt"
        match theirs:
            case "edited":
                write(repo, {"b/one.txt": "9\n"})
            case "deleted":
                (repo / "b/one.txt").unlink()
            case "executable":
                (repo / "b/one.txt").chmod(0o755)
            case "linked":
                (repo / "b/one.txt").unlink()
                (repo / "b/one.txt").symlink_to(outside / "one.txt")
            case "folder linked":
                shutil.rmtree(repo / "b")
                (repo / "b").symlink_to(outside)
            case _:
                write(repo, {"fresh.txt": "f\n"})
                expected = "fresh.txt"
        before = contents(repo)
        result = await space.apply()
        assert not result.applied
        assert result.conflicts == (expected,)
        assert contents(repo) == before
        assert (outside / "one.txt").read_text() == "1\n"


async def test_a_change_underneath_elsewhere_is_no_conflict(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    async with entered(repo, isolated, tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "a2\n"})
        write(repo, {"b/two.txt": "mine\n"})
        git(repo, "commit", "-qam", "meanwhile")
        assert (await space.apply()).applied
        assert (repo / "b/two.txt").read_text() == "mine\n"
        assert (repo / "a.txt").read_text() == "a2\n"


@pytest.mark.parametrize("kind", ["file to folder", "folder to file", "file to link"])
async def test_a_path_may_change_its_kind(repo: Path, tmp_path: Path, kind: str, isolated: Shape) -> None:
    async with entered(repo, isolated, tmp_path / "state") as space:
        top = space.host_path
        match kind:
            case "file to folder":
                (top / "a.txt").unlink()
                write(top, {"a.txt/inner/x": "x\n"})
            case "folder to file":
                shutil.rmtree(top / "b")
                write(top, {"b": "x\n"})
            case _:
                (top / "a.txt").unlink()
                (top / "a.txt").symlink_to("b/./one.txt")
        assert (await space.apply()).applied
        assert contents(repo) == contents(top)


async def test_line_ends_follow_the_attributes(tmp_path: Path, isolated: Shape) -> None:
    repo = make_repository(tmp_path / "repo", {".gitattributes": "*.bat text eol=crlf\n", "x.bat": "one\r\ntwo\r\n"})
    async with entered(repo, isolated, tmp_path / "state") as space:
        assert not space.dirty
        write(space.host_path, {"x.bat": "one\r\nTWO\r\n"})
        assert (await space.apply()).applied
        assert (repo / "x.bat").read_bytes() == b"one\r\nTWO\r\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another owner")
async def test_files_belong_to_the_owner_of_the_repository(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    for path in [repo, *repo.rglob("*")]:
        os.chown(path, 4321, 4322, follow_symlinks=False)
    async with entered(repo, isolated, tmp_path / "state") as space:
        assert space.owner == (4321, 4322)
        write(space.host_path, {"a.txt": "a2\n", "new/deep.txt": "x\n"})
        patch = await space.patch()
        async with derived_from(space, await space.tree()) as derived:
            assert {p.lstat().st_uid for p in derived.host_path.rglob("*") if ".git" not in p.parts} == {4321}
        await space.apply()
    assert {path.lstat().st_uid for path in repo.rglob("*") if ".git" not in path.parts} == {4321}
    git(repo, "-c", f"safe.directory={repo}", "checkout", "-q", "a.txt")
    shutil.rmtree(repo / "new")
    async with entered(repo, "direct", tmp_path / "state") as space:
        await space.apply_patch(patch)
        assert (repo / "new").stat().st_uid == (repo / "new/deep.txt").stat().st_uid == 4321


def test_a_failure_in_the_middle_puts_everything_back(tmp_path: Path) -> None:
    root = tmp_path / "root"
    staged = tmp_path / "staged"
    write(root, {"a": "old a", "d/gone": "gone", "z/occupied/file": "in the way"})
    write(staged, {"a": "new a", "n/e/w": "new"})
    (root / "d").chmod(0o750)
    before = contents(root)
    writes = [
        Write("a", (root / "a").lstat(), "100644"),
        Write("d/gone", (root / "d/gone").lstat(), None),
        Write("n/e/w", None, "100644"),
        Write("z/occupied", None, "100644"),
    ]
    write(staged, {"z/occupied": "cannot be placed"})
    with pytest.raises(WorkspaceError, match="nothing was applied"):
        Transaction(root, staged, (0, 0)).run(writes)
    assert contents(root) == before
    assert (root / "d").stat().st_mode & 0o777 == 0o750
    assert sorted(path.name for path in root.iterdir()) == ["a", "d", "z"]


def test_a_file_that_changes_between_the_look_and_the_write_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, {"a": "old", "b": "old"})
    write(tmp_path / "staged", {"a": "new", "b": "new"})
    writes = [Write(name, (root / name).lstat(), "100644") for name in ("a", "b")]
    write(root, {"b": "theirs"})
    with pytest.raises(WorkspaceError, match="b changed at this moment"):
        Transaction(root, tmp_path / "staged", (0, 0)).run(writes)
    assert {name: content for name, (_, content) in contents(root).items()} == {"a": b"old", "b": b"theirs"}


@pytest.mark.parametrize("path", ["../out", "/etc/x", ".git/config", "a/.GIT/x", "a//b", "."])
def test_a_path_outside_is_our_bug(tmp_path: Path, path: str) -> None:
    (tmp_path / "root").mkdir()
    write(tmp_path / "staged", {"x": "x"})
    with pytest.raises((ValueError, WorkspaceError)):
        Transaction(tmp_path / "root", tmp_path / "staged", (0, 0)).run([Write(path, None, "100644")])
    assert list((tmp_path / "root").iterdir()) == []
