import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from glmcode_sandbox.base import JobProblem, Jobs, Limits
from glmcode_sandbox.posix import PosixSandbox
from tests.sandbox.opening import KINDS, Opener, own_duration

SERVER = (
    'python3 -u -c \'import socket, time; s = socket.create_server(("127.0.0.1", 0)); '
    'open("port", "w").write(str(s.getsockname()[1])); print("ready"); time.sleep(60)\''
)


async def output_until(jobs: Jobs, number: int, wanted: bytes) -> bytes:
    output = b""
    deadline = time.monotonic() + 20
    while wanted not in output and time.monotonic() < deadline:
        output += (await jobs.read(number, wait_s=0.05)).output
    return output


async def test_a_job_runs_beside_the_commands_and_gives_its_new_output(sandbox: PosixSandbox) -> None:
    jobs = await sandbox.jobs()
    began = time.monotonic()
    job = await jobs.start("echo one; until [ -e go ]; do sleep 0.05; done; echo two; exit 3")
    assert job.running and job.exit_code is None and time.monotonic() - began < 5
    assert await output_until(jobs, job.number, b"one\n") == b"one\n"
    assert (await sandbox.exec("touch go; echo beside")).output == b"beside\n"
    ended = await jobs.read(job.number, wait_s=20)
    assert (ended.running, ended.exit_code, ended.output, ended.total_bytes) == (False, 3, b"two\n", 4)
    assert (await jobs.read(job.number)).output == b""


async def test_a_job_begins_where_the_shell_is_and_changes_nothing_there(sandbox: PosixSandbox) -> None:
    await sandbox.exec("cd /tmp; export V=1", keeps_state=True)
    jobs = await sandbox.jobs()
    job = await jobs.start("pwd; echo $V; cd /; export V=2")
    assert (await jobs.read(job.number, wait_s=20)).output == b"/tmp\n1\n"
    assert (await sandbox.exec("pwd; echo $V", keeps_state=True)).output == b"/tmp\n1\n"


async def test_stopping_ends_all_of_a_job_and_nothing_else(sandbox: PosixSandbox) -> None:
    jobs = await sandbox.jobs()
    one, other = own_duration(77), own_duration(78)
    first = await jobs.start(f"trap '' TERM; echo up; sleep {one} & sleep {one}; sleep {one}")
    second = await jobs.start(f"echo up; sleep {other}")
    for job in (first, second):
        assert await output_until(jobs, job.number, b"up") == b"up\n"
    stopped = await jobs.stop(first.number)
    assert not stopped.running and stopped.exit_code is not None and stopped.duration_s > 0
    assert (await sandbox.exec(f"ps -eo args | grep -c '^sleep {one}'")).output == b"0\n"
    assert (await sandbox.exec(f"ps -eo args | grep -c '^sleep {other}'")).output == b"1\n"
    assert [(job.number, job.running) for job in jobs.listed()] == [(first.number, False), (second.number, True)]
    assert not (await jobs.stop(first.number)).running


async def test_what_serves_at_its_timeout_goes_on_as_a_job(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec(SERVER, timeout_s=3, may_move=True)
    assert result.job is not None and not result.timed_out and result.output == b"ready\n"
    reached = await sandbox.exec("exec 3<>/dev/tcp/127.0.0.1/$(cat port) && echo reached")
    assert reached.output == b"reached\n"
    jobs = await sandbox.jobs()
    assert (await jobs.read(result.job)).running
    assert not (await jobs.stop(result.job)).running
    assert (await sandbox.exec("exec 3<>/dev/tcp/127.0.0.1/$(cat port)")).exit_code != 0


async def test_what_only_hangs_is_killed_and_so_is_a_server_that_nobody_wants_moved(sandbox: PosixSandbox) -> None:
    long = own_duration(76)
    hung = await sandbox.exec(f"echo a; sleep {long}", timeout_s=0.5, may_move=True)
    assert hung.timed_out and hung.job is None
    served = await sandbox.exec(SERVER, timeout_s=2)
    assert served.timed_out and served.job is None
    assert (await sandbox.exec(f"ps -eo args | grep -c '^sleep {long}'")).output == b"0\n"
    assert (await sandbox.exec("exec 3<>/dev/tcp/127.0.0.1/$(cat port)")).exit_code != 0


@pytest.mark.parametrize("kind", KINDS)
async def test_only_so_many_jobs_run(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind, limits=Limits(jobs=2))
    jobs = await sandbox.jobs()
    first, second = await jobs.start("sleep 75"), await jobs.start("sleep 75")
    with pytest.raises(JobProblem, match=r"2 background jobs run already \(1, 2\)"):
        await jobs.start("true")
    assert (await sandbox.exec(SERVER, timeout_s=2, may_move=True)).timed_out
    await jobs.stop(first.number)
    third = await jobs.start("echo x")
    assert (await jobs.read(third.number, wait_s=20)).output == b"x\n"
    await jobs.stop(second.number)
    with pytest.raises(JobProblem, match="there is no background job 9; there are: 1, 2, 3"):
        await jobs.read(9)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_jobs_output_is_bounded(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind, limits=Limits(output_bytes=1_000_000))
    jobs = await sandbox.jobs()
    long = await jobs.start("seq 1 100000")
    report = await jobs.read(long.number, wait_s=20)
    whole = "".join(f"{n}\n" for n in range(1, 100_001)).encode()
    assert report.total_bytes == len(whole) and report.output == whole[:32768] + whole[-32768:]
    assert report.head_bytes == 32768 and report.spill is not None and report.spill.read_bytes() == whole
    endless = await jobs.start("yes")
    ended = await jobs.read(endless.number, wait_s=20)
    assert not ended.running and "too much" in (ended.note or "")


async def test_killing_the_shell_ends_its_job_alone(sandbox: PosixSandbox) -> None:
    jobs = await sandbox.jobs()
    job = await jobs.start("echo a; kill -9 $PPID; sleep 74")
    other = await jobs.start("sleep 73")
    ended = await jobs.read(job.number, wait_s=20)
    assert (ended.running, ended.exit_code) == (False, 137) and "shell was ended" in (ended.note or "")
    assert (await jobs.read(other.number)).running
    assert (await sandbox.exec("echo on")).output == b"on\n"


@pytest.mark.parametrize("kind", KINDS)
async def test_closing_ends_the_jobs(kind: str, open_place: Opener, workspace: Path) -> None:
    sandbox = await open_place(kind)
    jobs = await sandbox.jobs()
    job = await jobs.start("while :; do date >alive; sleep 0.05; done")
    await sandbox.exec("until [ -e alive ]; do sleep 0.02; done")
    reading = asyncio.create_task(jobs.read(job.number, wait_s=60))
    await sandbox.close()
    with contextlib.suppress(FileNotFoundError):
        (workspace / "alive").unlink()
    await asyncio.sleep(0.3)
    assert not (workspace / "alive").exists()
    assert not (await reading).running


async def test_jobs_leave_the_output_of_commands_alone(sandbox: PosixSandbox) -> None:
    jobs = await sandbox.jobs()
    job = await jobs.start("while :; do echo noise; done")
    assert (await sandbox.exec("sleep 0.3; echo quiet")).output == b"quiet\n"
    assert b"noise" in (await jobs.stop(job.number)).output
