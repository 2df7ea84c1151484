import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from glmcode_sandbox.base import Limits
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.posix import PosixSandbox
from glmcode_sandbox.shells.growth import Growth
from tests.sandbox.entering import open_shape
from tests.sandbox.opening import KINDS, Opener

MIB = 1024**2
FLOOD = "for i in $(seq 1 400); do head -c 1000000 /dev/zero >big$i; sleep 0.01; done; sleep 60"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_command_that_fills_the_workspace_is_stopped(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind, limits=Limits(growth_bytes=30 * MIB))
    result = await sandbox.exec(FLOOD, timeout_s=60)
    assert not result.timed_out and result.exit_code == 137
    assert result.note == "stopped: it added more than 30 MiB to the workspace"
    assert (await sandbox.exec("rm -f big*; echo on")).output == b"on\n"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_command_that_makes_too_many_files_is_stopped(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind, limits=Limits(growth_files=1000))
    result = await sandbox.exec("mkdir d; cd d; seq 1 3000 | xargs touch; sleep 60", timeout_s=60)
    assert (result.exit_code, result.note) == (137, "stopped: it added more than 1,000 files to the workspace")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_job_that_fills_the_workspace_is_stopped(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind, limits=Limits(growth_bytes=30 * MIB))
    jobs = await sandbox.jobs()
    job = await jobs.start(FLOOD)
    ended = await jobs.read(job.number, wait_s=60)
    assert not ended.running and ended.note == "stopped: it added more than 30 MiB to the workspace"


async def test_what_lay_there_before_is_not_counted(sandbox: PosixSandbox, workspace: Path) -> None:
    limits = Limits(growth_bytes=30 * MIB)
    (workspace / "before").write_bytes(os.urandom(40 * MIB))
    await asyncio.sleep(0.1)
    meter = Growth(lambda: [workspace], limits).meter()
    (workspace / "after").write_bytes(os.urandom(20 * MIB))
    assert await meter.exceeded() is None


async def test_what_others_write_elsewhere_on_the_disk_is_not_blamed_on_it(workspace: Path, tmp_path: Path) -> None:
    meter = Growth(lambda: [workspace], Limits(growth_bytes=30 * MIB)).meter()
    (tmp_path / "beside").write_bytes(os.urandom(80 * MIB))
    assert await meter.exceeded() is None
    told, written = None, 0
    # Whoever else uses this disk may make as much room meanwhile: then the next file is the one too many.
    while told is None and written < 20:
        (workspace / str(written)).write_bytes(os.urandom(25 * MIB))
        told, written = await meter.exceeded(), written + 1
    assert told == "stopped: it added more than 30 MiB to the workspace" and written > 1


async def test_room_made_meanwhile_hides_nothing(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "beside").write_bytes(os.urandom(400 * MIB))
    meter = Growth(lambda: [workspace], Limits(growth_bytes=30 * MIB)).meter()
    (tmp_path / "beside").unlink()
    assert await meter.exceeded() is None
    for name in ("a", "b", "c", "d"):
        (workspace / name).write_bytes(os.urandom(25 * MIB))
    assert await meter.exceeded() == "stopped: it added more than 30 MiB to the workspace"


async def test_a_full_disk_stops_it(workspace: Path) -> None:
    disk = os.statvfs(workspace)
    free = disk.f_bavail * disk.f_frsize
    # Half of what was there is the lower bar, so a limit far above does not stop who finds little.
    meter = Growth(lambda: [workspace], Limits(free_bytes=free * 4, free_files=2**62)).meter()
    assert await meter.exceeded() is None


async def test_folders_that_cannot_be_asked_are_left_out(tmp_path: Path) -> None:
    assert await Growth(lambda: [tmp_path / "gone"], Limits(growth_bytes=0)).meter().exceeded() is None


@pytest.mark.docker
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes layers here")
async def test_the_layer_of_an_overlay_is_watched(docker_image: str, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)  # noqa: ASYNC221
    async with await open_shape(repository, "overlay", tmp_path / "state") as layered:
        sandbox = await open_sandbox(
            "docker",
            mounts=layered.mounts,
            workdir=layered.path,
            owner=layered.owner,
            image=docker_image,
            limits=Limits(growth_bytes=30 * MIB),
        )
        try:
            result = await sandbox.exec(FLOOD, timeout_s=60)
            assert result.note == "stopped: it added more than 30 MiB to the workspace"
        finally:
            await sandbox.close()
