import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from glmcode_sandbox.shells import processes
from glmcode_sandbox.shells.processes import Process, descendants, running, send
from glmcode_sandbox.shells.subprocesses import spawn


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sh", "-c", "sleep 60; :"], start_new_session=True) as process:
        yield process
        os.killpg(process.pid, signal.SIGKILL)


def table(*rows: tuple[int, int, int]) -> dict[int, Process]:
    return {pid: Process(pid, parent, session, session, 0) for pid, parent, session in rows}


def test_finds_the_real_children(child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while len(found := descendants(child.pid, running())) != 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(found) == 1
    assert child.pid in descendants(os.getpid(), running())
    assert processes.pid_in_namespace(child.pid) == child.pid
    assert running()[child.pid].started <= processes.ticks_now()


def test_a_zombie_is_not_running() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process.pid not in running()


def test_descends_by_parent_and_by_session() -> None:
    rows = table((10, 1, 10), (11, 10, 11), (12, 11, 11), (13, 1, 11), (14, 12, 14), (15, 1, 10), (16, 1, 1))
    assert descendants(10, rows) == {11, 12, 13, 14}


def test_the_spared_count_only_by_session() -> None:
    rows = table((10, 1, 10), (11, 10, 11), (12, 10, 11), (13, 10, 13), (14, 13, 13))
    assert descendants(10, rows, spared={12, 13}) == {11, 12}


def test_never_signals_ourselves_or_init() -> None:
    assert send([0, 1, -1, os.getpid(), os.getppid()], signal.SIGKILL) == set()


def test_what_is_gone_is_not_reached(child: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert send([process.pid, child.pid], 0) == {child.pid}


async def test_a_child_that_ends_while_its_channel_is_closed_keeps_its_exit_code(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(50):
        channel = await spawn(["true"], env={"PATH": os.environ["PATH"]})
        while await channel.read():
            pass
        await channel.close()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_a_mark_in_the_environment_is_found() -> None:
    mark = f"GLMCODE_TEST={os.urandom(8).hex()}"
    with subprocess.Popen(["sleep", "60"], env=dict([mark.split("=")])) as process:
        try:
            deadline = time.monotonic() + 10
            while not (found := processes.marked(mark.encode())) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert found == {process.pid}
        finally:
            process.kill()
