"""The processes that keep shells: nothing outlives us, whatever happens to us or to them."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from glmcode_sandbox.shells.processes import running
from tests.sandbox.opening import KINDS, Opener

CLIENT = """
    import asyncio, sys
    from glmcode_sandbox.base import Mount
    from glmcode_sandbox.open import open_sandbox
    from pathlib import Path

    async def main():
        folder = Path(sys.argv[2])
        owner = (folder.stat().st_uid, folder.stat().st_gid)
        mounts = [Mount(folder, str(folder))]
        sandbox = await open_sandbox(sys.argv[1], mounts=mounts, workdir=str(folder), owner=owner)
        await sandbox.start()
        jobs = await sandbox.jobs()
        await jobs.start("trap '' TERM HUP; while :; do date >job; sleep 0.05; done")
        await sandbox.exec("(env -i PATH=$PATH setsid sh -c 'while :; do date >orphan; sleep 0.05; done' &); true")
        await sandbox.exec("while :; do date >command; sleep 0.05; done", timeout_s=600)

    asyncio.run(main())
"""
NAMES = ("job", "orphan", "command")


@pytest.mark.parametrize("kind", KINDS[1:])
def test_all_ends_when_we_are_killed(kind: str, workspace: Path) -> None:
    client = subprocess.Popen([sys.executable, "-c", textwrap.dedent(CLIENT), kind, str(workspace)])
    try:
        files = [workspace / name for name in NAMES]
        assert soon(lambda: all(path.exists() for path in files))
    finally:
        client.kill()
        client.wait()
    assert soon(lambda: not any(revived(files)))


def revived(files: list[Path]) -> list[Path]:
    """Which files somebody still writes."""
    for path in files:
        path.unlink(missing_ok=True)
    time.sleep(0.3)
    return [path for path in files if path.exists()]


def soon(reached: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not (there := reached()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return there


async def test_a_killed_keeper_is_replaced(open_place: Opener, workspace: Path) -> None:
    sandbox = await open_place("none")
    jobs = await sandbox.jobs()
    job = await jobs.start("echo up; sleep 70")
    # The shell is a child of its keeper, and the command a child of the shell.
    keeper = int((await sandbox.exec("ps -o ppid= -p $PPID")).output)
    assert running()[keeper].parent == os.getpid()
    os.kill(keeper, signal.SIGKILL)
    ended = await jobs.read(job.number, wait_s=20)
    assert not ended.running
    assert (await sandbox.exec("echo on")).output == b"on\n"


@pytest.mark.bwrap
async def test_a_command_that_ends_the_keeper_in_bubblewrap_is_told(open_place: Opener) -> None:
    sandbox = await open_place("bwrap")
    result = await sandbox.exec("touch ~/x; kill -9 -1; sleep 9")
    assert result.exit_code == 137 and "/tmp and" in (result.note or "")
    assert (await sandbox.exec("ls ~; echo on")).output == b"on\n"


@pytest.mark.parametrize("kind", KINDS)
async def test_commands_can_still_be_interrupted(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind)
    program = "import signal as s; print(s.getsignal(s.SIGINT) is s.default_int_handler, s.getsignal(s.SIGHUP) == 0)"
    assert (await sandbox.exec(f"python3 -c '{program}'")).output == b"True True\n"


@pytest.mark.parametrize("kind", KINDS[1:])
async def test_no_pipe_of_ours_is_left_to_find(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind)
    await (await sandbox.jobs()).start("sleep 69")
    found = await sandbox.exec("find /run/glmcode $TMPDIR/.. -maxdepth 1 -type p 2>/dev/null; ls /proc/self/fd | wc -l")
    assert found.output == b"4\n"
