"""Trees, patches and changes of direct and isolated workspaces."""

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from glmcode_sandbox.workspace import FileChange, WorkspaceError
from tests.sandbox.entering import Shape, derived_from, entered, open_shape
from tests.sandbox.repositories import contents, git, git_state, make_repository, write

FILES: dict[str, str | bytes] = {
    "src/a.py": "a = 1\n",
    "src/b.py": "b = 1\nb = 2\n",
    "data.bin": bytes(range(256)) * 4,
    "run.sh": "#!/bin/sh\n",
    ".gitignore": "build/\n*.log\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", FILES)


async def test_an_unchanged_repository_has_no_patch(repo: Path, mode: Shape, tmp_path: Path) -> None:
    before = git_state(repo)
    async with entered(repo, mode, tmp_path / "state") as space:
        assert await space.tree() == space.start_tree
        assert space.start_tree == git(repo, "rev-parse", "HEAD^{tree}").strip()
        assert space.base_commit == git(repo, "rev-parse", "HEAD").strip()
        assert not space.dirty
        assert await space.patch() == b""
        assert await space.changes() == ()
    assert git_state(repo) == before


async def test_the_patch_applies_with_plain_git_and_gives_the_same_files(
    repo: Path, mode: Shape, tmp_path: Path
) -> None:
    clean = tmp_path / "clean"
    git(tmp_path, "clone", "-q", str(repo), str(clean))
    async with entered(repo, mode, tmp_path / "state") as space:
        top = space.host_path
        write(top, {"src/a.py": "a = 2\n", "new/deep/c.txt": "no newline", "empty": "", "data.bin": b"\0\xff" * 90})
        (top / "src/b.py").unlink()
        (top / "run.sh").chmod(0o755)
        (top / "link").symlink_to("../outside  /x")
        os.mkfifo(top / "pipe")
        patch = await space.patch()
        git(clean, "apply", stdin=patch)
        (top / "pipe").unlink()
        assert contents(clean) == contents(top)
        assert await space.changes() == (
            FileChange("data.bin", "modified", None, None),
            FileChange("empty", "added", 0, 0),
            FileChange("link", "added", 1, 0),
            FileChange("new/deep/c.txt", "added", 1, 0),
            FileChange("run.sh", "modified", 0, 0),
            FileChange("src/a.py", "modified", 1, 1),
            FileChange("src/b.py", "deleted", 0, 2),
        )


@pytest.mark.parametrize("kind", ["file to link", "file to folder", "folder to file", "folder to link"])
async def test_a_path_that_changes_its_kind_is_in_the_patch(repo: Path, mode: Shape, tmp_path: Path, kind: str) -> None:
    clean = tmp_path / "clean"
    git(tmp_path, "clone", "-q", str(repo), str(clean))
    async with entered(repo, mode, tmp_path / "state") as space:
        top = space.host_path
        match kind:
            case "file to link":
                (top / "src/a.py").unlink()
                (top / "src/a.py").symlink_to("b.py")
            case "file to folder":
                (top / "run.sh").unlink()
                write(top, {"run.sh/inner": "x\n"})
            case "folder to file":
                shutil.rmtree(top / "src")
                write(top, {"src": "x\n"})
            case _:
                shutil.rmtree(top / "src")
                (top / "src").symlink_to("/etc")
        git(clean, "apply", stdin=await space.patch())
        assert contents(clean) == contents(top)


async def test_names_that_are_no_utf8_or_look_like_options_survive(repo: Path, mode: Shape, tmp_path: Path) -> None:
    odd = [os.fsdecode(b"l\xe4tin.txt"), "-rf", "new\nline", 'quo"te\\', " space ", "tab\there", "\u202eevil", "[a]*?"]
    clean = tmp_path / "clean"
    git(tmp_path, "clone", "-q", str(repo), str(clean))
    async with entered(repo, mode, tmp_path / "state") as space:
        write(space.host_path, {name: f"{number}\n" for number, name in enumerate(odd)})
        assert {change.path for change in await space.changes()} == set(odd)
        git(clean, "apply", stdin=await space.patch())
        assert contents(clean) == contents(space.host_path)


async def test_what_was_uncommitted_at_the_start_is_no_change(repo: Path, mode: Shape, tmp_path: Path) -> None:
    write(repo, {"src/a.py": "a = 3\n", "untracked.txt": "u\n", "staged.txt": "s\n"})
    git(repo, "add", "staged.txt")
    (repo / "run.sh").unlink()
    async with entered(repo, mode, tmp_path / "state") as space:
        assert space.dirty
        assert await space.patch() == b""
        write(space.host_path, {"untracked.txt": "u2\n"})
        assert [change.path for change in await space.changes()] == ["untracked.txt"]


async def test_ignored_files_stay_out_even_when_the_ignore_file_is_rewritten(
    repo: Path, mode: Shape, tmp_path: Path
) -> None:
    write(repo, {"build/out.o": "1", "debug.log": "1", "logs/x.log": "1"})
    async with entered(repo, mode, tmp_path / "state") as space:
        write(
            space.host_path,
            {".gitignore": "!build/\n!*.log\n", "build/new.o": "2", "debug.log": "2", "logs/n.txt": "2"},
        )
        write(space.host_path, {"src/__pycache__/a.pyc": "x", ".pytest_cache/v": "x", "fresh.log": "x"})
        assert [change.path for change in await space.changes()] == [".gitignore", "fresh.log", "logs/n.txt"]


async def test_own_exclude_files_of_the_person_count(repo: Path, tmp_path: Path) -> None:
    write(repo, {".git/info/exclude": "private/\n", "private/x": "1", "scratch.tmp": "1"})
    write(Path(os.environ["HOME"]), {".config/git/ignore": "*.tmp\n"})
    async with entered(repo, "direct", tmp_path / "state") as space:
        assert not space.dirty


async def test_a_large_untracked_file_is_named_and_left_out(repo: Path, mode: Shape, tmp_path: Path) -> None:
    with (repo / "large.dat").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    async with entered(repo, mode, tmp_path / "state") as space:
        assert any("large.dat" in note for note in space.notes)
        (space.host_path / "large.dat").write_bytes(b"x")
        assert await space.changes() == ()


async def test_an_edit_of_equal_size_in_the_same_second_is_seen(repo: Path, mode: Shape, tmp_path: Path) -> None:
    async with entered(repo, mode, tmp_path / "state") as space:
        trees = [space.start_tree]
        for number in range(2, 6):
            write(space.host_path, {"src/a.py": f"a = {number}\n"})
            trees.append(await space.tree())
        assert len(set(trees)) == 5


async def test_flags_in_the_index_hide_nothing(repo: Path, mode: Shape, tmp_path: Path) -> None:
    git(repo, "update-index", "--assume-unchanged", "src/a.py")
    git(repo, "update-index", "--skip-worktree", "src/b.py")
    async with entered(repo, mode, tmp_path / "state") as space:
        write(space.host_path, {"src/a.py": "hidden\n", "src/b.py": "hidden\n"})
        assert [change.path for change in await space.changes()] == ["src/a.py", "src/b.py"]


async def test_attributes_cannot_make_a_text_unreadable(repo: Path, mode: Shape, tmp_path: Path) -> None:
    async with entered(repo, mode, tmp_path / "state") as space:
        write(space.host_path, {".gitattributes": "* -diff binary\n", "src/a.py": "a = 4\n"})
        assert b"+a = 4" in await space.patch()


async def test_a_mixed_tree_takes_only_the_named_paths(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    async with entered(repo, isolated, tmp_path / "state") as space:
        write(space.host_path, {"src/a.py": "a = 5\n", "src/b.py": "b = 5\n", "tests/t.py": "t\n"})
        (space.host_path / "run.sh").unlink()
        full = await space.tree()
        mixed = await space.mixed_tree(space.start_tree, full, frozenset({"tests", "run.sh"}))
        assert [change.path for change in await space.changes(mixed)] == ["run.sh", "tests/t.py"]
        assert await space.mixed_tree(full, space.start_tree, frozenset({"src", "tests", "run.sh"})) == space.start_tree
        assert await space.mixed_tree(full, full, frozenset({"nothing/here"})) == full


async def test_a_derived_workspace_holds_the_tree_and_what_was_ignored(repo: Path, mode: Shape, tmp_path: Path) -> None:
    write(repo, {"build/lib.so": "built", ".venv/bin/python": "py", "notes.txt": "n\n"})
    write(repo, {".gitignore": "build/\n*.log\n.venv/\n"})
    async with entered(repo, mode, tmp_path / "state") as space:
        write(
            space.host_path, {"src/a.py": "a = 6\n", "later.log": "x", "src/__pycache__/a.pyc": "x", "new.txt": "x\n"}
        )
        (space.host_path / "notes.txt").unlink()
        tree = await space.tree()
        write(space.host_path, {"src/a.py": "a = 7\n", "after.txt": "x"})
        async with derived_from(space, tree) as derived:
            assert derived.mode == "isolated"
            assert derived.path == space.path
            assert derived.start_tree == tree == await derived.tree()
            expected = {name: content for name, (_, content) in contents(derived.host_path).items()}
            assert expected.pop("src/a.py") == b"a = 6\n"
            assert set(expected) == {
                ".gitignore", ".venv/bin/python", "build/lib.so", "data.bin", "new.txt", "run.sh", "src/b.py",
            }  # fmt: skip
            write(derived.host_path, {"src/a.py": "a = 8\n"})
            assert [change.path for change in await derived.changes()] == ["src/a.py"]
        assert not derived.host_path.exists()
        assert (await space.changes(tree))[0].path == "new.txt"


async def test_a_patch_is_applied_whole_or_not_at_all(repo: Path, mode: Shape, tmp_path: Path, isolated: Shape) -> None:
    async with entered(repo, isolated, tmp_path / "one") as other:
        write(other.host_path, {"src/a.py": "a = 9\n", "x/new.bin": b"\0\1"})
        patch = await other.patch()
    async with entered(repo, mode, tmp_path / "two") as space:
        await space.apply_patch(patch)
        assert await space.patch() == patch
        with pytest.raises(WorkspaceError, match=r"patch does not apply|already exists"):
            await space.apply_patch(patch)
        assert await space.patch() == patch


async def test_close_leaves_nothing_behind(repo: Path, mode: Shape, tmp_path: Path) -> None:
    before = contents(repo)
    space = await open_shape(repo, mode, tmp_path / "state")
    if mode != "direct":
        deep = space.host_path / "locked"
        deep.mkdir()
        deep.chmod(0)
    await space.close()
    await space.close()
    assert list((tmp_path / "state").iterdir()) == []
    assert contents(repo) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
async def test_unreadable_files_are_skipped_with_a_note(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    (repo / "src/a.py").chmod(0)
    async with entered(repo, isolated, tmp_path / "state") as space:
        assert any("src/a.py" in note for note in space.notes)
        assert await space.changes() == ()


async def test_cancelling_while_it_opens_leaves_nothing(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    write(repo, {f"many/{number}.txt": "x" * 4096 for number in range(2000)})
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2):
        opening = asyncio.create_task(open_shape(repo, isolated, tmp_path / "state"))
        await asyncio.sleep(delay)
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await (await opening).close()
        assert not (tmp_path / "state").exists() or list((tmp_path / "state").iterdir()) == []


async def test_git_works_in_the_place_of_an_isolated_copy(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    async with entered(repo, isolated, tmp_path / "state") as space:
        write(space.host_path, {"src/a.py": "a = 10\n"})
        assert git(space.host_path, "status", "--porcelain") == " M src/a.py\n"
        assert "start" in git(space.host_path, "log", "--oneline")
        before = git_state(repo)
        git(space.host_path, "commit", "-q", "-a", "-m", "inside")
        assert git_state(repo) == before


async def test_secrets_of_the_configuration_are_not_shown(repo: Path, mode: Shape, tmp_path: Path) -> None:
    git(repo, "config", "http.https://example.org/.extraheader", "AUTHORIZATION: basic c2VjcmV0")
    git(repo, "remote", "add", "origin", "https://user:hunter2@example.org/x.git")
    git(repo, "config", "branch.main.remote", "origin")
    async with entered(repo, mode, tmp_path / "state") as space:
        shown = {mount.target: mount.source for mount in space.mounts}
        config = shown.get(f"{repo}/.git/config") or shown[f"{repo}/.git"] / "config"
        text = config.read_text()
        assert "c2VjcmV0" not in text
        assert "hunter2" not in text
        assert git(tmp_path, "config", "--file", str(config), "branch.main.remote") == "origin\n"
