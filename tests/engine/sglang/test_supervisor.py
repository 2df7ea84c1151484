import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from glmcode_engine.sglang import probe
from glmcode_engine.sglang.attach import attached, follow, start_detached, stop
from glmcode_engine.sglang.options import ServeOptions
from glmcode_engine.sglang.preflight import ServeError
from glmcode_engine.sglang.processes import session_of
from glmcode_engine.sglang.record import Record
from glmcode_engine.sglang.status import status_of
from glmcode_engine.sglang.supervisor import Ending, Supervisor
from tests.engine.sglang.installation import checkpoint, processes_with, served, until


class Running:
    """A supervisor in this process, and what it told."""

    def __init__(self, options: ServeOptions) -> None:
        self.options = options
        self.said: list[str] = []
        self.records: list[Record] = []
        self.supervisor = Supervisor(options, say=self.said.append, on_record=self.records.append)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> Ending:
        self.options.place.prepare()
        with self.options.place.supervised() as alone:
            assert alone
            return await self.supervisor.run()

    async def ready(self, restarts: int = 0) -> Record:
        def is_ready() -> bool:
            if self.task.done():
                self.task.result()
            return bool(self.records) and self.records[-1].state == "ready" and self.records[-1].restarts == restarts

        await until(is_ready)
        return self.records[-1]

    async def end(self) -> Ending:
        self.supervisor.stop()
        return await self.task


async def test_a_server_is_started_asked_and_stopped_with_all_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(served(tmp_path, monkeypatch))
    record = await running.ready()
    place = running.options.place
    assert record.server is not None and len(session_of(record.server)) == 2
    assert await probe.window(record.port, place.key()) == 4096
    assert await probe.window(record.port, "wrong") is None
    assert list(dict.fromkeys(each.phase.name for each in running.records if each.phase)) == [
        "starting", "load", "kv", "graphs", "ready",
    ]  # fmt: skip
    assert await running.end() == "stopped"
    assert session_of(record.server) == []
    assert place.read() is None and place.key() is None


async def test_the_key_is_in_no_argv_log_or_record_and_no_key_of_ours_reaches_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GLMCODE_API_KEY", "ZAI_API_KEY", "GH_TOKEN", "HF_TOKEN", "SGLANG_USE_CPU_ENGINE"):
        monkeypatch.setenv(name, "7")
    running = Running(served(tmp_path, monkeypatch))
    record = await running.ready()
    place = running.options.place
    key = place.key()
    assert key and processes_with(str(place.key_file)) and not processes_with(key)
    for path in place.folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert path == place.key_file or key not in path.read_text()
    log = place.log.read_text()
    (line,) = (line for line in log.splitlines() if "] env [" in line)
    passed = set(json.loads(line.partition("env ")[2]))
    assert {"HF_TOKEN", "SGLANG_USE_CPU_ENGINE", "PYTHONPATH"} <= passed
    assert not {"GLMCODE_API_KEY", "ZAI_API_KEY", "GH_TOKEN"} & passed
    assert "[key]" in log and record.version == "0.5.23"
    await running.end()


@pytest.mark.parametrize(
    ("modes", "cause"),
    [("oom", "the GPUs have too little free memory"), ("repo", "there is no such checkpoint")],
)
async def test_a_start_that_fails_tells_the_cause_from_the_log_and_is_not_repeated(
    modes: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(served(tmp_path, monkeypatch, modes))
    with pytest.raises(ServeError, match=cause):
        await running.task
    status = await status_of(running.options.place)
    assert (status.state, status.pid) == ("failed", None)
    assert status.cause and cause in status.cause
    assert "restarts" in status.model_dump() and status.restarts == 0
    assert not processes_with(str(tmp_path))


async def test_a_server_that_dies_is_started_again_until_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Running(served(tmp_path, monkeypatch, max_restarts=1))
    record = await running.ready()
    key = running.options.place.key()
    await probe.get(record.port, "/die", key=key)
    again = await running.ready(restarts=1)
    assert again.port == record.port and again.server != record.server
    assert "one of its processes was killed from outside" in running.said[0]
    await probe.get(again.port, "/die", key=running.options.place.key())
    with pytest.raises(ServeError, match="died 2 times within 10 minutes"):
        await running.task
    assert not processes_with(str(tmp_path))


async def test_an_idle_server_is_stopped_and_a_busy_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(served(tmp_path, monkeypatch, idle_stop_s=3.0))
    record = await running.ready()
    for _ in range(5):
        await probe.get(record.port, "/ask", key=running.options.place.key())
        await asyncio.sleep(1)
    assert not running.task.done()
    assert await asyncio.wait_for(running.task, 20) == "idle"


async def test_a_start_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(served(tmp_path, monkeypatch, "slow", start_timeout_s=2.0))
    with pytest.raises(
        ServeError, match=r"not ready after 2 s \(it was capturing CUDA graphs\); raise --start-timeout"
    ):
        await running.task
    assert not processes_with(str(tmp_path))


@pytest.mark.parametrize("modes", ["", "stubborn", "away", "stubborn away"])
async def test_nothing_is_left_when_the_supervisor_is_killed(
    modes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = served(tmp_path, monkeypatch, modes)
    await start_detached(options)
    record = await follow(options.place, lambda _record: None)
    assert processes_with(str(options.place.key_file))
    children = set(session_of(record.server)) if record.server else set()
    assert len(children) == (1 if "away" in modes else 2)
    os.kill(record.supervisor.pid, signal.SIGKILL)
    await until(lambda: not processes_with(str(options.place.key_file)))
    assert not any(child.is_alive() for child in children)
    assert not [line for line in processes_with("time.sleep(600)") if "child" in line and str(tmp_path) in line]
    assert (await status_of(options.place)).state == "stopped"


async def test_nothing_is_left_when_the_warden_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(served(tmp_path, monkeypatch, max_restarts=0))
    record = await running.ready()
    assert record.warden is not None and record.server is not None
    record.warden.send(signal.SIGKILL)
    with pytest.raises(ServeError, match="the server died"):
        await running.task
    assert session_of(record.server) == []


async def test_users_share_one_server_which_ends_with_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = served(tmp_path, monkeypatch)
    async with attached(options, lambda _record: None) as first:
        async with attached(options, lambda _record: None) as second:
            assert second.server == first.server and second.while_used
        await asyncio.sleep(2.5)
        assert options.place.is_supervised()
        assert await probe.is_healthy(first.port)
    await until(lambda: not options.place.is_supervised())
    assert not processes_with(str(tmp_path))


async def test_one_who_comes_while_the_server_ends_gets_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = served(tmp_path, monkeypatch, "stubborn")
    async with attached(options, lambda _record: None) as first:
        pass
    async with attached(options, lambda _record: None) as second:
        assert await probe.is_healthy(second.port)
    assert first.supervisor == second.supervisor or first.server != second.server
    await until(lambda: not options.place.is_supervised())


async def test_a_server_that_somebody_started_is_adopted_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = served(tmp_path, monkeypatch)
    await start_detached(options)
    async with attached(options, lambda _record: None) as record:
        assert not record.while_used
    await asyncio.sleep(2)
    assert await probe.is_healthy(record.port)
    elsewhere = checkpoint(tmp_path / "state")
    other = options.model_copy(update={"spec": options.spec.model_copy(update={"model": str(elsewhere)})})
    with pytest.raises(ServeError, match=r"serves .*model; stop it with"):
        async with attached(other, lambda _record: None):
            pass
    stopped = await stop(options.place, grace_s=3)
    assert stopped is not None and stopped.server == record.server
    assert not processes_with(str(options.place.key_file))
    assert await stop(options.place, grace_s=3) is None


async def test_what_a_background_start_lacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = served(tmp_path, monkeypatch)
    options = options.model_copy(update={"spec": options.spec.model_copy(update={"model": "/nowhere"})})
    with pytest.raises(ServeError, match="--model-path /nowhere: no such folder"):
        async with attached(options, lambda _record: None):
            pass


async def test_a_supervisor_that_still_does_its_checks_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nsleep 2\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    options = served(tmp_path, monkeypatch, python=str(python))
    await start_detached(options)
    assert options.place.read() is None and options.place.is_supervised()
    async with asyncio.timeout(15):
        assert await stop(options.place, grace_s=3) is not None
    assert not options.place.is_supervised() and not processes_with(str(options.place.key_file))


async def test_status_shows_the_figures_of_a_running_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = served(tmp_path, monkeypatch)
    assert (await status_of(options.place)).state == "stopped"
    running = Running(options)
    record = await running.ready()
    status = await status_of(options.place)
    assert (status.state, status.healthy, status.window, status.port) == ("ready", True, 4096, record.port)
    assert (status.running_requests, status.cache_hit_rate, status.tokens_per_second) == (0, 0.75, 12.5)
    await running.end()
    assert (await status_of(options.place)).state == "stopped"
