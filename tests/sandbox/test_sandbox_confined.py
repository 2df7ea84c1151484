import socket
from pathlib import Path

import pytest

from glmcode_sandbox.base import Limits
from glmcode_sandbox.posix import PosixSandbox
from tests.sandbox.opening import CONFINED, Opener


async def test_no_key_of_ours_is_anywhere(confined: PosixSandbox, secret_environment: str) -> None:
    result = await confined.exec("env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null; true", keep_bytes=1_000_000)
    assert b"HOME=" in result.output and secret_environment.encode() not in result.output


async def test_the_hosts_files_are_not_there(confined: PosixSandbox, tmp_path: Path) -> None:
    (tmp_path / "beside").write_text("secret")
    result = await confined.exec(
        f"cat '{tmp_path}/beside' /etc/shadow ~/.ssh/id_rsa; ls -A /root/.ssh /var/run/docker.sock"
    )
    assert b"secret" not in result.output and result.exit_code != 0
    assert (await confined.exec(f"ls -A '{tmp_path}'")).output == b"work space\n"


async def test_the_hosts_processes_are_not_there(confined: PosixSandbox) -> None:
    result = await confined.exec("ls -d /proc/[0-9]* | wc -l")
    assert int(result.output) < 12


async def test_the_root_is_read_only(confined: PosixSandbox) -> None:
    result = await confined.exec(
        "for d in / /usr /etc /home; do touch $d/x 2>/dev/null && echo $d; done; touch /tmp/x ~/x && echo ok"
    )
    assert result.output == b"ok\n"


async def test_git_is_read_only_and_cannot_be_moved_away(confined: PosixSandbox, workspace: Path) -> None:
    command = "echo x >.git/hooks; echo x >>.git/config; mv .git x; rm -rf .git; ln -sfn /tmp .git; umount .git; true"
    await confined.exec(command)
    assert (workspace / ".git/config").read_text() == "[core]\n"
    assert sorted(path.name for path in workspace.iterdir()) == [".git", "a.txt"]
    assert (await confined.exec("touch .git/new")).exit_code != 0


async def test_the_network_is_not_there(confined: PosixSandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = await confined.exec(
            f"exec 3<>/dev/tcp/127.0.0.1/{port}; echo $?; tail -n +3 /proc/net/dev | grep -v ' lo:'; true"
        )
    assert result.output.splitlines()[-1] == b"1"


@pytest.mark.parametrize("kind", CONFINED)
async def test_the_network_is_there_when_asked_for(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind, network="host")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert (await sandbox.exec(f"exec 3<>/dev/tcp/127.0.0.1/{port}")).exit_code == 0


async def test_commands_have_no_capabilities(confined: PosixSandbox) -> None:
    status = (await confined.exec("cat /proc/self/status")).output.decode()
    sets = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Cap"))
    assert {sets[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapInh")} == {"0" * 16}
    assert "NoNewPrivs:\t1" in status


async def test_mounts_are_not_undone(confined: PosixSandbox) -> None:
    result = await confined.exec("umount /tmp; mount -o remount,rw /; mknod d b 254 0; chroot . true")
    assert result.exit_code != 0
    assert (await confined.exec("touch /x")).exit_code != 0


@pytest.mark.parametrize("kind", CONFINED)
async def test_limits_of_files_hold(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind, limits=Limits(file_bytes=1024 * 1024, tmp_bytes=4 * 1024 * 1024))
    assert (await sandbox.exec("head -c 5000000 /dev/zero >big")).exit_code != 0
    assert (await sandbox.exec("stat -c %s big")).output == b"1048576\n"
    result = await sandbox.exec("for i in 1 2 3 4 5 6; do head -c 1000000 /dev/zero >/tmp/$i || echo full; done")
    assert b"full" in result.output
    # A full /tmp does not stop commands or files, however long they are.
    await sandbox.write_file("after", b"x" * 200_000)
    assert (await sandbox.exec("#" + "x" * 200_000 + "\necho on")).output == b"on\n"


@pytest.mark.docker
async def test_a_fork_bomb_is_survived(open_place: Opener) -> None:
    sandbox = await open_place("docker", limits=Limits(pids=64))
    result = await sandbox.exec("b() { b | b & }; b; sleep 1", timeout_s=10)
    assert "processes" in (result.note or "")
    assert (await sandbox.exec("echo on", timeout_s=5)).output == b"on\n"
    assert int((await sandbox.exec("ls -d /proc/[0-9]* | wc -l")).output) < 12


@pytest.mark.docker
async def test_files_are_read_and_written_also_where_all_processes_are_taken(open_place: Opener) -> None:
    sandbox = await open_place("docker", limits=Limits(pids=64))
    await sandbox.exec("exec 2>/dev/null; sh -c 'while :; do sleep 60 & done'", timeout_s=5)
    await sandbox.write_file("on", b"on")
    assert await sandbox.read_file("on", max_bytes=10) == b"on"


@pytest.mark.docker
async def test_memory_is_limited(open_place: Opener) -> None:
    sandbox = await open_place("docker", limits=Limits(memory_bytes=64 * 1024 * 1024))
    result = await sandbox.exec("python3 -c 'x = bytearray(400_000_000)'; echo $?")
    assert result.output.splitlines()[-1] != b"0"
    assert (await sandbox.exec("echo on")).output == b"on\n"


@pytest.mark.docker
async def test_killing_everything_does_not_end_the_container(open_place: Opener) -> None:
    sandbox = await open_place("docker")
    await sandbox.exec("echo kept >/tmp/kept")
    result = await sandbox.exec("kill -9 1; kill -9 -1; sleep 1")
    assert result.exit_code == 137 and result.note and "made anew" not in result.note
    assert (await sandbox.exec("cat /tmp/kept")).output == b"kept\n"
