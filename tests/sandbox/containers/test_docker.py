import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glmcode_sandbox.base import Mount, NoSandboxError, SandboxError
from glmcode_sandbox.containers import reaper
from glmcode_sandbox.containers.container_plan import host_mounts
from glmcode_sandbox.containers.docker_api import connect
from glmcode_sandbox.docker import DockerSandbox
from tests.sandbox.opening import Opener

pytestmark = pytest.mark.docker


@pytest.fixture
def api(docker_image: str) -> Iterator[Any]:
    client = connect()
    yield client
    client.close()


def containers(api: Any, workspace: Path) -> list[str]:
    """The containers of this test: those that mount its workspace."""
    return [
        found["Id"]
        for found in api.containers(all=True, filters={"label": reaper.LABEL})
        if any(mount.get("Source") == str(workspace) for mount in found["Mounts"])
    ]


async def gone(api: Any, workspace: Path, seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while found := containers(api, workspace):
        if time.monotonic() > deadline:
            api.remove_container(found[0], force=True)
            return False
        await asyncio.sleep(0.1)
    return True


def make(workspace: Path, image: str) -> DockerSandbox:
    return DockerSandbox([Mount(workspace, str(workspace))], str(workspace), image=image)


async def test_the_container_is_made_as_hard_as_promised(open_place: Opener, api: Any, workspace: Path) -> None:
    await open_place("docker")
    (container,) = containers(api, workspace)
    found = api.inspect_container(container)
    host = found["HostConfig"]
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"] and not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges"] and host["ReadonlyRootfs"]
    assert host["NetworkMode"] == "none" and host["AutoRemove"] and not host["PublishAllPorts"]
    assert host["PidsLimit"] == 512 and host["Memory"] == host["MemorySwap"] == 4 * 1024**3
    assert found["Config"]["Labels"][reaper.PID] == str(os.getpid())
    assert not found["Config"]["Tty"] and found["Config"]["StdinOnce"]


async def test_another_runtime_is_asked_for_by_name(open_place: Opener, api: Any, workspace: Path) -> None:
    # Another name of the usual one, which every daemon knows.
    name = next(name for name in api.info()["Runtimes"] if name != "runc" and "runc" in name)
    sandbox = await open_place("docker", runtime=name)
    (container,) = containers(api, workspace)
    assert api.inspect_container(container)["HostConfig"]["Runtime"] == name
    assert sandbox.description.endswith(f"network none, runtime {name})")
    assert (await sandbox.exec("echo on")).output == b"on\n"


async def test_a_runtime_that_the_daemon_does_not_know_is_told(open_place: Opener) -> None:
    with pytest.raises(NoSandboxError, match="no-such-runtime; register it"):
        await open_place("docker", runtime="no-such-runtime")


async def test_closing_leaves_no_container(open_place: Opener, api: Any, workspace: Path) -> None:
    sandbox = await open_place("docker")
    assert len(containers(api, workspace)) == 1
    await sandbox.close()
    assert containers(api, workspace) == []
    with pytest.raises(SandboxError, match="closed"):
        await sandbox.exec("true")


@pytest.mark.parametrize("after", [0.0, 0.05, 0.15, 0.3])
async def test_cancelling_the_start_leaves_no_container(
    after: float, docker_image: str, api: Any, workspace: Path
) -> None:
    sandbox = make(workspace, docker_image)
    task = asyncio.create_task(sandbox.start())
    await asyncio.sleep(after)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await sandbox.close()
    assert containers(api, workspace) == []


async def test_killing_the_client_leaves_no_container(docker_image: str, api: Any, workspace: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from glmcode_sandbox.base import Mount
from glmcode_sandbox.docker import DockerSandbox
async def main():
    folder = {str(workspace)!r}
    sandbox = DockerSandbox([Mount(Path(folder), folder)], folder, image={docker_image!r})
    await sandbox.start()
    print("ready", flush=True)
    await sandbox.exec("while :; do date >alive; sleep 0.1; done")
asyncio.run(main())
"""
    client = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)  # noqa: ASYNC220
    try:
        assert client.stdout is not None
        assert await asyncio.to_thread(client.stdout.readline) == b"ready\n"
        while not (workspace / "alive").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        assert len(containers(api, workspace)) == 1
    finally:
        client.send_signal(signal.SIGKILL)
        await asyncio.to_thread(client.communicate)
    assert await gone(api, workspace)
    (workspace / "alive").unlink()
    await asyncio.sleep(0.4)
    assert not (workspace / "alive").exists()


async def test_a_container_removed_from_under_it_is_made_anew(open_place: Opener, api: Any, workspace: Path) -> None:
    sandbox = await open_place("docker")
    running = asyncio.create_task(sandbox.exec("echo a; sleep 60"))
    await asyncio.sleep(0.3)
    api.remove_container(containers(api, workspace)[0], force=True)
    result = await running
    assert result.exit_code == 137 and result.output == b"a\n" and "made anew" in (result.note or "")
    api.remove_container(containers(api, workspace)[0], force=True)
    result = await sandbox.exec("cat a.txt")
    assert (result.exit_code, result.output) == (0, b"hello\n") and "made anew" in (result.note or "")


async def test_a_paused_container_is_made_anew_after_the_timeout(open_place: Opener, api: Any, workspace: Path) -> None:
    sandbox = await open_place("docker")
    api.pause(containers(api, workspace)[0])
    result = await sandbox.exec("echo a", timeout_s=0.5)
    assert result.timed_out and result.exit_code == 124 and "made anew" in (result.note or "")
    assert (await sandbox.exec("echo on")).output == b"on\n"
    api.pause(containers(api, workspace)[0])
    await sandbox.close()
    assert containers(api, workspace) == []


async def test_containers_of_the_dead_are_removed_and_others_are_not(
    open_place: Opener, docker_image: str, api: Any, workspace: Path
) -> None:
    def leave(pid: str, started: str, host: str) -> str:
        marks = reaper.labels() | {reaper.PID: pid, reaper.STARTED: started, reaper.HOST: host}
        made = api.create_container(docker_image, ["true"], labels=marks)
        return str(made["Id"])

    mine = reaper.labels()
    dead = leave(mine[reaper.PID], "1", mine[reaper.HOST])
    kept = [leave(mine[reaper.PID], mine[reaper.STARTED], mine[reaper.HOST]), leave("1", "0", "another host")]
    try:
        await open_place("docker")
        deadline = time.monotonic() + 10
        while dead in _all(api) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        assert dead not in _all(api) and set(kept) <= _all(api)
    finally:
        for container in {dead, *kept} & _all(api):
            api.remove_container(container, force=True)


def _all(api: Any) -> set[str]:
    return {found["Id"] for found in api.containers(all=True)}


async def test_commands_run_as_the_owner(
    open_place: Opener, docker_image: str, tmp_path: Path, workspace: Path
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can make another owner's folder")
    os.chown(workspace, 12345, 12346)
    sandbox = DockerSandbox([Mount(workspace, "/work")], "/work", image=docker_image, owner=(12345, 12346))
    try:
        result = await sandbox.exec(
            "id -u; id -g; touch made ~/x /tmp/x && git init -q new && git -C new status --short", timeout_s=20
        )
        assert result.output.startswith(b"12345\n12346\n") and result.exit_code == 0
        assert ((workspace / "made").stat().st_uid, (workspace / "made").stat().st_gid) == (12345, 12346)
        await sandbox.write_file("deep/file", b"x")
        assert (workspace / "deep/file").stat().st_uid == 12345
        assert (await sandbox.exec("kill -9 -1; sleep 1")).exit_code == 137
        assert (await sandbox.exec("echo on")).output == b"on\n"
    finally:
        await sandbox.close()


async def test_a_missing_image_names_the_remedy(workspace: Path, docker_image: str, api: Any) -> None:
    sandbox = make(workspace, "glmcode-test-sbx:not-there")
    with pytest.raises(NoSandboxError, match=r"glmcode sandbox build.*--from-host"):
        await sandbox.start()
    await sandbox.close()
    assert containers(api, workspace) == []


async def test_no_daemon_names_the_remedy(workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    sandbox = make(workspace, "any")
    with pytest.raises(NoSandboxError, match=r"systemctl start docker.*--sandbox bwrap"):
        await sandbox.start()
    await sandbox.close()


async def test_a_missing_mount_is_an_error(docker_image: str, tmp_path: Path) -> None:
    sandbox = make(tmp_path / "nowhere", docker_image)
    with pytest.raises(SandboxError, match="nowhere"):
        await sandbox.start()
    await sandbox.close()
    assert not (tmp_path / "nowhere").exists()


async def test_works_over_tcp(docker_image: str, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _forwarded_daemon() as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        sandbox = make(workspace, docker_image)
        try:
            data = os.urandom(1_000_000)
            assert (await sandbox.exec("cat", stdin=data, keep_bytes=2_000_000)).output == data
            assert (await sandbox.exec("sleep 50", timeout_s=0.3)).timed_out
            assert (await sandbox.exec("echo on")).output == b"on\n"
        finally:
            await sandbox.close()


@contextlib.contextmanager
def _forwarded_daemon() -> Iterator[int]:
    """The daemon's unix socket, reachable on a TCP port."""

    def forward(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as daemon:
            daemon.connect("/var/run/docker.sock")
            ends = {client: daemon, daemon: client}
            while ends:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)

    def accept() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=forward, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("label", ['["/"]', '["/etc"]', '["/home"]', '["usr"]', '["/usr/../root"]', "[1]", "{", '"x"'])
def test_an_image_cannot_ask_for_any_folder(label: str) -> None:
    with pytest.raises(SandboxError, match="image"):
        host_mounts({"glmcode.host_mounts": label})


def test_an_image_may_ask_for_programs() -> None:
    assert host_mounts({"glmcode.host_mounts": '["/usr"]'}) == [Path("/usr")]
    assert host_mounts({}) == []
