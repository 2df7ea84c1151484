"""Nothing that a stranger's repository or the model writes is ever executed or followed by the host's git."""

import asyncio
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from glmcode_sandbox.workspace import WorkspaceError, open_workspace, protected
from tests.sandbox.entering import Shape, derived_from, entered
from tests.sandbox.repositories import IDENTITY, git, make_repository, write


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "executed"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.txt": "a\n", "b.txt": "b\n"})


def trap(canary: Path) -> str:
    script = canary.with_name("trap.sh")
    script.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{canary}'\n")
    script.chmod(0o755)
    return str(script)


async def use(repo: Path, mode: Shape, tmp_path: Path) -> None:
    async with entered(repo, mode, tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "a2\n", "c.txt": "c\n"})
        (space.host_path / "b.txt").unlink()
        patch = await space.patch()
        assert patch
        await space.changes()
        async with derived_from(space, await space.tree()) as derived:
            await derived.tree()
        if mode != "direct":
            await space.apply()


@pytest.mark.parametrize(
    "key",
    [
        "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy",
        "diff.external",
        "core.hooksPath", "filter.x.clean", "filter.x.smudge", "filter.x.process", "diff.x.command", "diff.x.textconv",
        "merge.x.driver", "credential.helper", "gpg.program", "uploadpack.packObjectsHook", "core.alternateRefsCommand",
        "alias.rev-parse", "pager.rev-parse", "trace2.eventTarget",
    ],
)  # fmt: skip
async def test_a_poisoned_configuration_runs_nothing(
    repo: Path, mode: Shape, tmp_path: Path, canary: Path, key: str
) -> None:
    program = trap(canary)
    value = f"!{program}" if key == "alias.rev-parse" else program
    if key == "core.hooksPath":
        folder = tmp_path / "hooks"
        folder.mkdir()
        for hook in ("post-index-change", "reference-transaction", "post-checkout", "pre-commit", "pre-applypatch"):
            (folder / hook).symlink_to(program)
            (repo / ".git/hooks" / hook).unlink(missing_ok=True)
            (repo / ".git/hooks" / hook).symlink_to(program)
        value = str(folder)
    git(repo, "config", key, value)
    write(repo, {".gitattributes": "* filter=x diff=x merge=x\n"})
    await use(repo, mode, tmp_path)
    assert not canary.exists(), canary.read_text()


def test_the_trap_does_work_with_plain_git(repo: Path, canary: Path) -> None:
    git(repo, "config", "core.fsmonitor", trap(canary))
    subprocess.run(["git", "status"], cwd=repo, capture_output=True, check=False)
    assert canary.exists()


async def test_a_nested_repository_of_the_model_runs_nothing(
    repo: Path, mode: Shape, tmp_path: Path, canary: Path
) -> None:
    program = trap(canary)
    async with entered(repo, mode, tmp_path / "state") as space:
        nested = make_repository(space.host_path / "nested", {"inner.txt": "i\n"})
        git(nested, "config", "core.fsmonitor", program)
        canary.unlink(missing_ok=True)
        for number in range(3):
            write(nested, {"inner.txt": f"{number}\n"})
            await space.tree()
        assert [change.path for change in await space.changes()] == ["nested/inner.txt"]
        assert await space.new_git_folders() == ("nested/.git",)
        assert protected(await space.new_git_folders()) == ["nested/.git"]
        async with derived_from(space, await space.tree()) as derived:
            assert not (derived.host_path / "nested/.git").exists()
            assert (derived.host_path / "nested/inner.txt").read_text() == "2\n"
    assert not canary.exists()


async def test_a_submodules_configuration_that_is_a_link_is_not_written_through(
    repo: Path, tmp_path: Path, isolated: Shape
) -> None:
    outside = tmp_path / "gitconfig"
    outside.write_text("[alias]\n\tst = status\n")
    module = repo / ".git/modules/sub"
    module.mkdir(parents=True)
    (module / "HEAD").write_text("ref: refs/heads/main\n")
    (module / "config").symlink_to(outside)
    async with entered(repo, isolated, tmp_path / "state"):
        assert outside.read_text() == "[alias]\n\tst = status\n"


async def test_a_submodule_with_a_poisoned_configuration_runs_nothing(tmp_path: Path, canary: Path) -> None:
    library = make_repository(tmp_path / "library", {"lib.txt": "l\n"})
    repo = make_repository(tmp_path / "repo", {"a.txt": "a\n", "b.txt": "b\n"})
    git(repo, "submodule", "add", "-q", str(library), "sub")
    git(repo, "commit", "-qam", "sub")
    program = trap(canary)
    git(repo / "sub", "config", "core.fsmonitor", program)
    modes: tuple[Shape, ...] = ("direct", "copy", "overlay")
    for mode in modes[: 3 if os.geteuid() == 0 else 2]:
        async with entered(repo, mode, tmp_path / "state") as space:
            assert not space.dirty
            assert any("submodules" in note for note in space.notes)
            write(space.host_path, {"sub/lib.txt": "changed\n", "a.txt": f"{mode}\n"})
            assert [change.path for change in await space.changes()] == ["a.txt"]
            async with derived_from(space, await space.tree()) as derived:
                assert (derived.host_path / "sub/lib.txt").exists()
        git(repo, "checkout", "-q", "a.txt")
        canary.unlink(missing_ok=True)
    assert not canary.exists()


@pytest.mark.parametrize("name", ["../../outside.txt", "sub/../../x", ".git/config"])
async def test_a_forged_index_reaches_no_other_file(repo: Path, tmp_path: Path, name: str, isolated: Shape) -> None:
    write(tmp_path, {"outside.txt": "secret\n"})
    git(
        repo,
        "update-index",
        "--add",
        "--cacheinfo",
        f"100644,{git(repo, 'rev-parse', ':a.txt').strip()},{'x' * len(name)}",
    )
    index = (repo / ".git/index").read_bytes().replace(b"x" * len(name), name.encode())
    (repo / ".git/index").write_bytes(index[:-20] + hashlib.sha1(index[:-20]).digest())
    async with entered(repo, isolated, tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "a2\n"})
        assert [change.path for change in await space.changes()] == ["a.txt"]


async def test_a_git_file_that_points_to_another_repository_shows_nothing_of_it(tmp_path: Path) -> None:
    private = make_repository(tmp_path / "private", {"secret.txt": "s\n"})
    stranger = tmp_path / "stranger"
    write(stranger, {".git": f"gitdir: {private}/.git\n", "a.txt": "a\n"})
    async with entered(stranger, "direct", tmp_path / "state") as space:
        assert all(not mount.source.is_relative_to(private) for mount in space.mounts)
        assert any("does not point back" in note for note in space.notes)


async def test_a_forged_worktree_does_not_reach_another_git_folder(tmp_path: Path) -> None:
    private = make_repository(tmp_path / "private", {"secret.txt": "s\n"})
    stranger = tmp_path / "stranger"
    write(stranger, {".git": "gitdir: forged\n", "forged/HEAD": "ref: refs/heads/main\n"})
    write(stranger, {"forged/gitdir": f"{stranger}/.git\n", "forged/commondir": f"{private}/.git\n"})
    async with entered(stranger, "direct", tmp_path / "state") as space:
        assert all(not mount.source.is_relative_to(private) for mount in space.mounts)


async def test_a_core_worktree_elsewhere_does_not_move_the_workspace(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    git(repo, "config", "core.worktree", str(tmp_path / "other"))
    async with entered(repo, "direct", tmp_path / "state") as space:
        assert space.repo == repo
        assert not space.dirty


async def test_a_pipe_in_place_of_a_tracked_file_is_a_deletion(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    async with entered(repo, isolated, tmp_path / "state") as space:
        (space.host_path / "a.txt").unlink()
        os.mkfifo(space.host_path / "a.txt")
        change = (await asyncio.wait_for(space.changes(), 20))[0]
        assert (change.path, change.status) == ("a.txt", "deleted")


async def test_a_pipe_in_place_of_an_ignore_file_does_not_hang(repo: Path, tmp_path: Path, isolated: Shape) -> None:
    async with entered(repo, isolated, tmp_path / "state") as space:
        write(space.host_path, {"d/e.txt": "x\n"})
        os.mkfifo(space.host_path / "d/.gitignore")
        os.mkfifo(space.host_path / ".gitattributes")
        assert [change.path for change in await asyncio.wait_for(space.changes(), 20)] == ["d/e.txt"]


async def test_the_state_folder_may_not_lie_in_the_repository(repo: Path) -> None:
    with pytest.raises(WorkspaceError, match="lies inside the repository"):
        await open_workspace(repo, "direct", state_dir=repo / "state")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another owner")
async def test_a_repository_of_another_owner_can_be_used(repo: Path, mode: Shape, tmp_path: Path) -> None:
    for path in [repo, *repo.rglob("*")]:
        os.chown(path, 4321, 4321)
    plain = subprocess.run(["git", "status"], cwd=repo, env=dict(os.environ) | IDENTITY, check=False)  # noqa: ASYNC221
    assert plain.returncode != 0
    await use(repo, mode, tmp_path)


def test_protected_paths_are_named() -> None:
    risky = [
        ".gitmodules", "sub/.gitattributes", ".envrc", ".vscode/tasks.json", "x/.idea/workspace.xml",
        ".husky/pre-commit", ".glmcode/config.toml", ".github/workflows/ci.yml", "nested/.git/config",
        ".VSCode/settings.json", "my.code-workspace", "bare/HEAD", "bare/config", "tools/hooks/pre-push",
    ]  # fmt: skip
    harmless = ["src/a.py", ".gitignore", ".github/CODEOWNERS", "docs/vscode/x.md", "conf/config", "git/x"]
    assert protected([*risky, *harmless], ["tools/hooks"]) == risky
