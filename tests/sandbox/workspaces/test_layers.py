"""What only a layer has to deal with: the start taken down late, untrusted writers, and what is left behind."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from glmcode_sandbox.git.gitview import LARGE_BYTES
from glmcode_sandbox.workspace import Workspace, WorkspaceError, open_workspace
from glmcode_sandbox.workspaces.overlay import cannot_overlay, make_overlay, moment
from glmcode_sandbox.workspaces.recover import discard, recover_patch
from glmcode_sandbox.workspaces.upper import read_upper
from tests.sandbox.entering import Shape, entered
from tests.sandbox.repositories import contents, git, git_state, make_repository, write

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(
        tmp_path / "repo", {"a.txt": "a\n", "d/b.txt": "b\n", "d/e/c.txt": "c\n", ".gitignore": "*.log\n"}
    )


async def _layer(repo: Path, tmp_path: Path) -> Workspace:
    return await open_workspace(repo, "isolated", state_dir=tmp_path / "state", store="overlay")


@pytest.mark.parametrize(
    ("path", "theirs"),
    [
        ("a.txt", "edited"),
        ("gone/x.txt", "folder deleted"),
        ("d/b.txt", "deleted"),
        ("d/new.txt", "made"),
        ("d/e/c.txt", "restored"),
    ],
)
async def test_what_the_person_changes_while_the_start_is_taken_down_is_a_conflict(
    repo: Path, tmp_path: Path, path: str, theirs: str
) -> None:
    (repo / "gone").mkdir()
    # The index knows the files from earlier; git compares times by the second, and so takes this one's for the same.
    if (repo / path).exists():
        os.utime(repo / path, (1, 1))
    git(repo, "update-index", "-q", "--refresh")
    async with await _layer(repo, tmp_path) as space:
        # The scan has not run yet: it needs the event loop, which this does not give back.
        write(space.host_path, {path: "ours\n"})
        if theirs == "deleted":
            (repo / path).unlink()
        elif theirs == "folder deleted":
            (repo / path).parent.rmdir()
        elif theirs == "restored":
            content = (repo / path).read_bytes()
            (repo / path).write_bytes(b"for a moment\n")
            (repo / path).write_bytes(content)
        else:
            write(repo, {path: "theirs\n"})
        before = contents(repo)
        result = await space.apply()
        assert (result.applied, result.conflicts) == (False, (path,))
        assert contents(repo) == before


async def test_what_changed_just_before_the_opening_is_no_conflict(repo: Path, tmp_path: Path) -> None:
    write(repo, {"a.txt": "a2\n", "d/later.txt": "x\n"})
    async with await _layer(repo, tmp_path) as space:
        write(space.host_path, {"a.txt": "a3\n", "d/later.txt": "y\n", "d/new.txt": "n\n"})
        assert (await space.apply()).applied
    assert (repo / "a.txt").read_text() == "a3\n"


def test_the_moment_parts_what_changed_before_from_what_changes_after(tmp_path: Path) -> None:
    for _ in range(20):
        (tmp_path / "before").write_text("x")
        at = moment(tmp_path)
        (tmp_path / "after").write_text("x")
        assert (tmp_path / "before").stat().st_ctime_ns < at <= (tmp_path / "after").stat().st_ctime_ns


async def test_only_the_named_files_are_applied(repo: Path, tmp_path: Path) -> None:
    async with entered(repo, "overlay", tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "a2\n", "d/b.txt": "b2\n", "new/x": "x\n"})
        assert (await space.apply(frozenset({"d", "new/x"}))).paths == ("d/b.txt", "new/x")
        assert ((repo / "a.txt").read_text(), (repo / "d/b.txt").read_text()) == ("a\n", "b2\n")
        assert (await space.apply()).paths == ("a.txt",)


async def test_names_that_git_refuses_and_what_is_no_file_do_not_stop_a_tree(repo: Path, tmp_path: Path) -> None:
    async with entered(repo, "overlay", tmp_path / "state") as space:
        top = space.host_path
        write(
            top, {"git~1/x": "x\n", "sub/.GIT/config": "x\n", ":(top)a": "1\n", "-z": "2\n", "a\nb": "3\n", "ok": "4\n"}
        )
        (top / ".gitmodules").symlink_to("/etc/passwd")
        os.mkfifo(top / "pipe")
        os.mkfifo(top / "d/.gitignore")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(top / "socket"))
            found = {change.path for change in await space.changes()}
        assert found == {":(top)a", "-z", "a\nb", "ok"}
        assert await space.new_git_folders() == ("sub/.GIT",)


async def test_links_in_a_layer_lead_nowhere(repo: Path, tmp_path: Path) -> None:
    write(tmp_path / "outside", {"b.txt": "secret\n", "e/c.txt": "secret\n"})
    async with entered(repo, "overlay", tmp_path / "state") as space:
        top = space.host_path
        subprocess.run(["rm", "-rf", top / "d"], check=True)  # noqa: ASYNC221
        (top / "d").symlink_to(tmp_path / "outside")
        patch = await space.patch()
        assert b"secret" not in patch and b"120000" in patch
        (top / "d").unlink()
        write(top, {"d/b.txt": "mine\n"})
        assert b"+mine" in await space.patch()
    assert (tmp_path / "outside/b.txt").read_text() == "secret\n"


async def test_a_huge_new_file_is_named_and_left_out(repo: Path, tmp_path: Path) -> None:
    async with entered(repo, "overlay", tmp_path / "state") as space:
        with (space.host_path / "huge").open("wb") as file:
            file.truncate(1 << 40)
        write(space.host_path, {"small": "x\n"})
        assert [change.path for change in await space.changes()] == ["small"]
        assert any("huge" in note for note in space.notes)
        (space.host_path / "huge").write_bytes(b"x")
        assert [change.path for change in await space.changes()] == ["huge", "small"]
        assert LARGE_BYTES < 1 << 40


async def test_folders_nested_very_deeply_do_not_stop_a_tree(repo: Path, tmp_path: Path) -> None:
    async with entered(repo, "overlay", tmp_path / "state") as space:
        script = "import os\nfor n in range(1500): os.mkdir('nested'); os.chdir('nested')\nopen('x', 'w').close()"
        subprocess.run(["python3", "-c", script], cwd=space.host_path, check=True)  # noqa: ASYNC221
        write(space.host_path, {"a.txt": "a2\n"})
        assert [change.path for change in await space.changes()] == ["a.txt"]
        assert any("not carried: nested/nested" in note for note in space.notes)


@pytest.mark.parametrize("looked_before", [False, True])
@pytest.mark.parametrize("kind", ["overlay", "copy"])
async def test_a_killed_run_is_recovered_from_what_it_left(
    kind: Shape, looked_before: bool, repo: Path, tmp_path: Path
) -> None:
    async with entered(repo, kind, tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "a2\n", "new.txt": "n\n", "x.log": "ignored\n"})
        (space.host_path / "d/b.txt").unlink()
        if looked_before:
            await space.tree()
        # A copy of what a kill would leave, since this process lives on.
        subprocess.run(["cp", "-a", tmp_path / "state", tmp_path / "left"], check=True)  # noqa: ASYNC221
        expected = await space.patch()
    assert expected.count(b"diff --git") == 3
    (left,) = (tmp_path / "left").glob("workspace-*")
    write(left, {"index.lock": "", "layer-index.lock": ""})  # of a git that was killed, too
    assert await recover_patch(tmp_path / "left", repo) == expected
    await discard(tmp_path / "left")
    assert list((tmp_path / "left").iterdir()) == []
    assert await recover_patch(tmp_path / "left", repo) == b""


async def test_a_patch_may_be_applied_before_commands_run(repo: Path, tmp_path: Path) -> None:
    async with entered(repo, "overlay", tmp_path / "one") as space:
        write(space.host_path, {"a.txt": "a2\n", "n/m.txt": "m\n"})
        subprocess.run(["rm", "-rf", space.host_path / "d"], check=True)  # noqa: ASYNC221
        expected = contents(space.host_path)
        patch = await space.patch()
    before = git_state(repo)
    async with await _layer(repo, tmp_path) as space:
        await space.apply_patch(patch)
        with pytest.raises(WorkspaceError, match="apply"):
            await space.apply_patch(patch)
        assert await space.patch() == patch
        async with await space.derive(await space.tree()) as derived:
            assert await derived.patch() == b""
    async with entered(repo, "overlay", tmp_path / "two") as space, await space.derive(space.start_tree) as derived:
        await derived.apply_patch(patch)
        assert await derived.patch() == patch
    assert (git_state(repo), "d/b.txt" in expected) == (before, False)


async def test_a_derived_layer_shows_the_start_whatever_the_person_did_since(repo: Path, tmp_path: Path) -> None:
    start = contents(repo)
    async with entered(repo, "overlay", tmp_path / "state") as space:
        write(repo, {"a.txt": "theirs\n", "d/new/x.txt": "theirs\n"})
        git(repo, "rm", "-rq", "d/e")
        async with await space.derive(space.start_tree) as derived:
            assert await derived.tree() == space.start_tree
            assert (derived.host_path / "a.txt").read_text() == "a\n"
            assert (derived.host_path / "d/e/c.txt").read_text() == "c\n"
            assert sorted(read_upper(derived.host_path).hidden) == ["a.txt", "d/e", "d/e/c.txt", "d/new"]
    assert start["a.txt"] != contents(repo)["a.txt"]


@pytest.mark.parametrize("name", ["com,ma", "co:lon", "back\\slash", "new\nline", 'quo"te', os.fsdecode(b"l\xe4tin")])
def test_paths_that_mount_options_cannot_hold_are_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert cannot_overlay(tmp_path / name, tmp_path) is not None
    assert cannot_overlay(tmp_path, tmp_path) is None


@pytest.mark.parametrize("name", ["spa ce", "ünï 中文", "#%$&", "a" * 200])
async def test_other_odd_paths_work(tmp_path: Path, name: str) -> None:
    repo = make_repository(tmp_path / name, {"a.txt": "a\n"})
    assert cannot_overlay(repo, tmp_path) is None
    async with entered(repo, "overlay", tmp_path / "state") as space:
        write(space.host_path, {"a.txt": "a2\n"})
        assert [change.path for change in await space.changes()] == ["a.txt"]


def test_a_read_only_repository_is_for_copies(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir(mode=0o555)
    (tmp_path / "repo").chmod(0o555)
    assert cannot_overlay(tmp_path / "repo", tmp_path) is not None


def test_the_git_folder_below_does_not_show_even_without_its_mount(repo: Path, tmp_path: Path) -> None:
    overlay = make_overlay(repo, tmp_path)
    assert os.getxattr(overlay.upper / ".git", "user.overlay.opaque") == b"y"
    assert overlay.upper.stat().st_mode == repo.stat().st_mode
