"""Files of a layer that are written while a sandbox runs on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.workspace import Workspace, WorkspaceError, open_workspace
from tests.sandbox.repositories import contents, make_repository

pytestmark = pytest.mark.docker

ODD = "o'd d\udcff\n.txt"
WORK = r"""
set -e
echo new >a; chmod 600 a
rm gone; chmod +x run; ln -sf ../a d/kind; rm room; mkdir room; echo i >room/in
mkdir -p x/y; echo n >x/y/n; echo more >>kept; rm -r folder; echo f >folder
printf odd >"$(printf 'o\047d d\377\n.txt')"
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    files: dict[str, str | bytes] = {"a": "a\n", "gone": "g\n", "run": "r\n", "d/kind": "k\n", "room": "m\n"}
    files |= {"kept": "kept\n", "folder/deep/file": "f\n"}
    repo = make_repository(tmp_path / "re po", files)
    (repo / "link").symlink_to("not//there'")
    return repo


@asynccontextmanager
async def running(repo: Path, tmp_path: Path, image: str) -> AsyncIterator[tuple[Workspace, Sandbox]]:
    state = tmp_path / "state"
    async with await open_workspace(repo, "isolated", state_dir=state, store="overlay", image=image) as space:
        sandbox = await open_sandbox("docker", mounts=space.mounts, workdir=space.path, owner=space.owner, image=image)
        try:
            await sandbox.start()
            yield space, sandbox
        finally:
            await sandbox.close()


async def paths_of(space: Workspace, tree: str) -> frozenset[str]:
    return frozenset(change.path for change in await space.changes(tree))


async def test_every_kind_of_change_is_taken_back_and_made_again(repo: Path, tmp_path: Path, docker_image: str) -> None:
    before = contents(repo)
    async with running(repo, tmp_path, docker_image) as (space, sandbox):
        done = await sandbox.exec(WORK + "rm link")
        assert done.exit_code == 0, done.output
        worked = await space.tree()
        paths = await paths_of(space, worked)
        assert {ODD, "link", "x/y/n", "folder", "folder/deep/file"} < paths
        for trees in ((worked, space.start_tree), (space.start_tree, worked)):
            moved = await space.move(trees, paths, through=sandbox)
            assert moved.applied and frozenset(moved.paths) == paths
            assert await space.tree() == trees[1]
            seen = await sandbox.exec("stat -c '%n %a %F' a run; ls -d x folder/deep 2>&-; readlink link")
            lines = seen.output.decode().splitlines()
            if trees[1] == worked:
                assert lines[:3] == ["a 600 regular file", "run 755 regular file", "x"]
            else:
                # The mode of a file that is there is the business of commands, but for who may execute it.
                assert lines[:2] == ["a 600 regular file", "run 644 regular file"]
                assert "folder/deep" in lines and "x" not in lines and lines[-1] == "not//there'"
        assert contents(repo) == before


async def test_only_what_is_named_is_moved(repo: Path, tmp_path: Path, docker_image: str) -> None:
    async with running(repo, tmp_path, docker_image) as (space, sandbox):
        await sandbox.exec(WORK)
        worked = await space.tree()
        paths = await paths_of(space, worked)
        moved = await space.move((worked, space.start_tree), frozenset(["a", "kept"]), through=sandbox)
        assert moved.paths == ("a", "kept")
        assert await paths_of(space, await space.tree()) == paths - {"a", "kept"}


async def test_a_file_that_changed_since_is_a_conflict(repo: Path, tmp_path: Path, docker_image: str) -> None:
    async with running(repo, tmp_path, docker_image) as (space, sandbox):
        await sandbox.exec(WORK)
        worked = await space.tree()
        await sandbox.exec("echo newer >a")
        now = await space.tree()
        moved = await space.move((worked, space.start_tree), await paths_of(space, worked), through=sandbox)
        assert (moved.applied, moved.conflicts) == (False, ("a",))
        assert await space.tree() == now


async def test_a_failure_in_the_middle_puts_everything_back(repo: Path, tmp_path: Path, docker_image: str) -> None:
    async with running(repo, tmp_path, docker_image) as (space, sandbox):
        await sandbox.exec(WORK + "mkdir z; echo z >z/z; chmod 555 z")
        worked = await space.tree()
        paths = await paths_of(space, worked)
        with pytest.raises(WorkspaceError, match=r"z/z: .*(denied|permitted)"):
            await space.move((worked, space.start_tree), paths, through=sandbox)
        assert await space.tree() == worked


async def test_while_commands_may_run_files_are_written_by_commands_only(
    repo: Path, tmp_path: Path, docker_image: str
) -> None:
    async with running(repo, tmp_path, docker_image) as (space, sandbox):
        await sandbox.exec(WORK)
        worked = await space.tree()
        paths = await paths_of(space, worked)
        with pytest.raises(WorkspaceError, match="while commands may run"):
            await space.move((worked, space.start_tree), paths)
        await sandbox.close()
        assert await space.tree() == worked
        assert (await space.move((worked, space.start_tree), paths)).applied
        assert await space.tree() == space.start_tree
