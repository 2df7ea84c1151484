"""Layers as the Docker daemon mounts them: for root and for others, and gone at the end whatever happens."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from glmcode_sandbox.base import Sandbox
from glmcode_sandbox.containers import reaper
from glmcode_sandbox.containers.docker_api import connect
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.workspace import Workspace, WorkspaceError, open_workspace
from glmcode_sandbox.workspaces.overlay import DOOMED
from glmcode_sandbox.workspaces.overlay_daemon import overlay_problem, sweep
from glmcode_sandbox.workspaces.recover import recover_patch
from tests.sandbox.repositories import contents, git_state, make_repository, write

pytestmark = pytest.mark.docker


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "re po", {"a.txt": "a\n", "d/b.txt": "b\n", ".gitignore": "*.log\n"})


@asynccontextmanager
async def _running(space: Workspace, image: str) -> AsyncIterator[Sandbox]:
    sandbox = await open_sandbox("docker", mounts=space.mounts, workdir=space.path, owner=space.owner, image=image)
    try:
        await sandbox.start()
        yield sandbox
    finally:
        await sandbox.close()


def _volumes(pid: int | None = None) -> set[str]:
    """The volumes of one process; ours if none is named."""
    words = ["docker", "volume", "ls", "-q", "--filter", f"label={reaper.PID}={pid or os.getpid()}"]
    listed = subprocess.run(words, check=True, capture_output=True, text=True)
    return set(listed.stdout.split())


def _volume_of(space: Workspace) -> str:
    overlay = space.mounts[0].overlay
    assert overlay is not None
    return overlay.volume


async def test_commands_work_in_a_layer_and_nothing_of_it_is_left(
    repo: Path, tmp_path: Path, docker_image: str
) -> None:
    write(repo, {"old.log": "ignored\n"})
    before = (contents(repo), git_state(repo))
    async with await open_workspace(repo, "isolated", state_dir=tmp_path / "state", store="overlay") as space:
        async with _running(space, docker_image) as sandbox:
            assert _volume_of(space) in _volumes()
            script = "cat old.log && echo a2 >a.txt && rm -r d && mkdir d && echo c >d/c.txt && echo x >new.log"
            done = await sandbox.exec(script)
            assert (done.exit_code, done.output) == (0, b"ignored\n")
            assert [change.path for change in await space.changes()] == ["a.txt", "d/b.txt", "d/c.txt"]
            patch = await space.patch()
            with pytest.raises(WorkspaceError, match="while commands may run"):
                await space.apply_patch(b"--- /dev/null\n+++ b/z\n@@ -0,0 +1 @@\n+z\n")
            forged = 'python3 -c \'import os; os.setxattr("d", "user.overlay.opaque", b"y")\' 2>&1; mknod w c 0 0 2>&1'
            await sandbox.exec(forged)
            assert await space.patch() == patch
        assert (contents(repo), git_state(repo)) == before
        async with await space.derive(await space.tree()) as derived, _running(derived, docker_image) as sandbox:
            seen = await sandbox.exec("cat a.txt old.log d/c.txt; ls d new.log")
            assert seen.output.startswith(b"a2\nignored\nc\n") and b"b.txt" not in seen.output
            assert b"cannot access 'new.log'" in seen.output
        assert (await space.apply()).applied
    assert _volume_of(space) not in _volumes()
    assert list((tmp_path / "state").iterdir()) == []
    assert contents(repo)["d/c.txt"] == (0o644, b"c\n")


async def test_a_container_that_is_made_anew_sees_the_same_layer(repo: Path, tmp_path: Path, docker_image: str) -> None:
    async with await open_workspace(repo, "isolated", state_dir=tmp_path / "state", store="overlay") as space:
        for number in range(2):
            async with _running(space, docker_image) as sandbox:
                done = await sandbox.exec(f"echo {number} >>log.txt; rm -f a.txt; cat log.txt")
                assert done.output == b"0\n1\n"[: 2 * number + 2]
        assert [change.path for change in await space.changes()] == ["a.txt", "log.txt"]


def test_it_is_tried_once_and_remembered(repo: Path, tmp_path: Path, docker_image: str) -> None:
    answers = tmp_path / "cache" / "answers.json"
    assert overlay_problem(repo, tmp_path / "state", image=docker_image, answers=answers) is None
    assert list((tmp_path / "state").iterdir()) == [] and _volumes() == set()
    # Remembered: this one could not be tried.
    assert overlay_problem(repo, tmp_path / "state", image="no-such-image:1", answers=answers) is None
    answers.unlink()
    assert "no-such-image" in (
        overlay_problem(repo, tmp_path / "state", image="no-such-image:1", answers=answers) or ""
    )


def test_a_daemon_elsewhere_is_for_copies(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    assert "not on this machine" in (overlay_problem(repo, tmp_path / "state", answers=tmp_path / "answers") or "")


def test_a_state_folder_on_a_layer_is_found_out(repo: Path, tmp_path: Path, docker_image: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", tmp_path / "merged"], check=True)
    try:
        state = tmp_path / "merged" / "state"
        assert overlay_problem(repo, state, image=docker_image, answers=tmp_path / "answers") is not None
        assert list(state.iterdir()) == []
    finally:
        subprocess.run(["umount", tmp_path / "merged"], check=True)


def test_what_root_left_is_swept(tmp_path: Path, docker_image: str) -> None:
    doomed = tmp_path / f"{DOOMED}x" / "work" / "work"
    doomed.mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (doomed / "link").symlink_to(tmp_path / "kept")
    doomed.chmod(0)
    sweep(tmp_path, docker_image)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


_WORK = """
import asyncio, os, sys
from pathlib import Path
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.workspace import open_workspace

async def main(repo, state, image):
    space = await open_workspace(Path(repo), "isolated", state_dir=Path(state), store="overlay", image=image)
    sandbox = await open_sandbox("docker", mounts=space.mounts, workdir=space.path, owner=space.owner, image=image)
    await sandbox.start()
    done = await sandbox.exec("echo a2 >a.txt; rm d/b.txt; echo n >n; id -u")
    assert done.exit_code == 0, done.output
    await space.ready()
    if "stay" in sys.argv:
        print(space.mounts[0].overlay.volume, flush=True)
        await asyncio.sleep(60)
    await sandbox.close()
    print([change.path for change in await space.changes()], os.getuid(), done.output.decode().strip())
    async with await space.derive(await space.tree()) as derived:
        assert await derived.patch() == b""
    assert (await space.apply()).applied
    await space.close()
    print(os.listdir(state))

asyncio.run(main(*sys.argv[1:4]))
"""


async def test_after_a_kill_the_changes_are_there_and_the_volume_goes(
    repo: Path, tmp_path: Path, docker_image: str
) -> None:
    words = [sys.executable, "-c", _WORK, str(repo), str(tmp_path / "state"), docker_image, "stay"]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    volume = (await process.stdout.readline()).decode().strip()
    assert volume in _volumes(process.pid)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    patch = await recover_patch(tmp_path / "state", repo)
    assert b"+a2" in patch and patch.count(b"diff --git") == 3
    api = connect()
    try:
        for _ in range(50):
            await asyncio.to_thread(reaper.reap, api)
            if not _volumes(process.pid):
                break
            await asyncio.sleep(0.1)
    finally:
        api.close()
    assert not _volumes(process.pid)
    assert stat.S_ISCHR(next((tmp_path / "state").glob("*/upper/d/b.txt")).lstat().st_mode)
