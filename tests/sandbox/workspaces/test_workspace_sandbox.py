"""Workspaces as commands in a real sandbox see them: git works, and nothing of git can be changed."""

from pathlib import Path

import pytest

from glmcode_sandbox.base import SandboxKind
from glmcode_sandbox.open import open_sandbox
from tests.sandbox.entering import Shape, open_shape
from tests.sandbox.repositories import git, git_state, make_repository

KINDS = [pytest.param("docker", marks=pytest.mark.docker), pytest.param("bwrap", marks=pytest.mark.bwrap)]

ATTACKS = (
    "git -c user.name=a -c user.email=a@b commit -qam x",
    "git add a.txt",
    "git config core.fsmonitor x",
    "mv .git x",
    "rm -rf .git",
    "ln -sf /x .git",
    "echo x > .git/hooks/pre-commit",
    "echo > .git/objects/x",
)

FREE = (
    "git stash && test $(cat a.txt) = a && git stash pop && test $(cat a.txt) = new",
    "git -c user.name=a -c user.email=a@b commit -qam inside && git log --oneline | grep inside",
    "echo x > .git/hook && git gc -q && git fsck",
)
LAYER_ATTACKS = ("mv .git x", "rm -rf .git", "ln -sfT /x .git", "echo > .git/original-objects/x", "umount .git")


async def test_the_credentials_of_submodules_are_not_seen(mode: Shape, tmp_path: Path, docker_image: str) -> None:
    library = make_repository(tmp_path / "library", {"a.txt": "a\n"})
    repo = make_repository(tmp_path / "repo", {"a.txt": "a\n"})
    git(repo, "submodule", "add", "-q", str(library), "sub")
    git(repo / "sub", "remote", "set-url", "origin", "https://u:hunter2@example.org/x")
    async with await open_shape(repo, mode, tmp_path / "state") as space:
        sandbox = await open_sandbox(
            "docker", mounts=space.mounts, workdir=space.path, owner=space.owner, image=docker_image
        )
        try:
            await sandbox.start()
            found = await sandbox.exec("grep -r hunter2 .git; git -C sub log --oneline")
            assert found.exit_code == 0, found.output
            assert b"hunter2" not in found.output and b"start" in found.output
        finally:
            await sandbox.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", ["plain", "worktree", "submodule"])
async def test_git_works_and_writes_nothing_of_the_persons(
    kind: SandboxKind, mode: Shape, shape: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "bwrap" and mode == "overlay":
        pytest.skip("a layer is for docker only")
    image = request.getfixturevalue("docker_image") if kind == "docker" else None
    main = make_repository(tmp_path / "repo", {"a.txt": "a\n", "b.txt": "b\n"})
    git(main, "remote", "add", "origin", "https://u:hunter2@example.org/x")
    repo = main
    match shape:
        case "worktree":
            repo = tmp_path / "tree"
            git(main, "worktree", "add", "-q", str(repo))
        case "submodule":
            library = make_repository(tmp_path / "library", {"a.txt": "a\n", "b.txt": "b\n"})
            git(main, "submodule", "add", "-q", str(library), "sub")
            repo = main / "sub"
    before = git_state(main)
    async with await open_shape(repo, mode, tmp_path / "state") as space:
        sandbox = await open_sandbox(kind, mounts=space.mounts, workdir=space.path, owner=space.owner, image=image)
        try:
            await sandbox.start()
            read = await sandbox.exec(
                "set -e; echo new > a.txt; git status --porcelain; git log --oneline; git diff --stat"
            )
            assert read.exit_code == 0, read.output
            assert b" M a.txt\n" in read.output
            assert b"start" in read.output
            for command in FREE if mode == "overlay" else ():
                done = await sandbox.exec(command)
                assert done.exit_code == 0, done.output
            for attack in LAYER_ATTACKS if mode == "overlay" else ATTACKS:
                assert (await sandbox.exec(attack)).exit_code != 0, attack
            seen = await sandbox.exec("cat .git/config $(git rev-parse --git-common-dir)/config")
            assert b"hunter2" not in seen.output
        finally:
            await sandbox.close()
        assert [change.path for change in await space.changes()] == ["a.txt"]
    assert git_state(main) == before
