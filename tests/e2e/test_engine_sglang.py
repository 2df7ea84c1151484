import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from glmcode_engine.assemble import Assembler
from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.messages import Message, Request
from glmcode_engine.remote import RemoteEngine
from glmcode_engine.sglang.processes import session_of
from glmcode_engine.sglang.record import Place, Record
from tests.cli import CommandLine
from tests.engine.sglang.installation import processes_with, until
from tests.sglang_cpu.rig import Rig, find_rig

pytestmark = [pytest.mark.sglang, pytest.mark.timeout(900)]
START_S = 400.0


@pytest.fixture
async def user(own_home: Path) -> AsyncIterator[CommandLine]:
    """A user whose environment and settings make `sglang` the server of the rig."""
    rig = the_rig()
    flags = "\n".join((*rig.flags, "--context-length", "4096"))
    settings = {"GLMCODE_SGLANG_PYTHON": str(rig.python), "GLMCODE_SGLANG_ARGS": flags}
    user = CommandLine(own_home, {**rig.environ, **settings, "GLMCODE_MODEL_PATH": str(rig.checkpoint)})
    yield user
    await user.run("engine", "stop")
    assert not processes_with(str(own_home))


def the_rig() -> Rig:
    rig = find_rig()
    assert rig is not None
    return rig


def ready(user: CommandLine) -> Record | None:
    record = Place(user.state / "engine").read()
    return record if record is not None and record.state == "ready" else None


async def ask(record: Record, key: str | None) -> Assembler:
    engine = RemoteEngine(resolve_endpoint(record.base_url, record.served_name, "sglang"), api_key=key)
    answer = Assembler()
    request = Request(messages=(Message(role="user", content="hi"),), thinking=False, max_tokens=8)
    async for part in engine.stream(request):
        answer.add(part)
    await engine.aclose()
    return answer


async def test_a_real_server_is_served_asked_restarted_and_leaves_nothing_when_glmcode_is_killed(
    user: CommandLine,
) -> None:
    place = Place(user.state / "engine")
    async with user.started("engine", "serve", "--max-restarts", "1") as running:
        await until(lambda: ready(user), START_S)
        first = ready(user)
        assert first is not None and first.server is not None
        usage = (await ask(first, place.key())).usage
        assert usage is not None and usage.completion_tokens > 0
        status = json.loads((await user.run("engine", "status", "--json")).stdout)
        assert (status["state"], status["window"], status["version"]) == ("ready", 4096, first.version)
        assert status["running_requests"] == 0 and status["healthy"]
        key = place.key()
        assert key and not processes_with(key) and key not in place.log.read_text()
        taken = await user.run("engine", "serve", "--name", "second", "--port", str(first.port))
        assert taken.code == 69 and f"port {first.port} is taken" in taken.ending

        scheduler = next(each for each in session_of(first.server) if "scheduler" in command_of(each.pid))
        os.kill(scheduler.pid, signal.SIGKILL)
        await until(lambda: (again := place.read()) is not None and again.restarts == 1, 60)
        again = place.read()
        assert again is not None and again.cause and "one of its processes was killed from outside" in again.cause
        assert session_of(first.server) == []
        await until(lambda: (now := place.read()) is not None and now.server not in (None, first.server), 60)
        await asyncio.sleep(5)  # into the middle of the start

        os.kill(running.process.pid, signal.SIGKILL)
        await running.process.wait()
        await until(lambda: not processes_with(str(place.folder)), 20)
    assert json.loads((await user.run("engine", "status", "--json")).stdout)["state"] == "stopped"


async def test_a_run_starts_the_server_it_needs_and_ends_it(user: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    process = await asyncio.create_subprocess_exec("git", "-C", str(tmp_path), "init", "-q")
    await process.wait()
    flags = (
        "--repo",
        str(tmp_path),
        "--sandbox",
        "none",
        "--workspace",
        "direct",
        "--context",
        "0",
        "--max-steps",
        "1",
    )
    body = json.dumps({"max_tokens": 16})
    ended = await user.run(
        *("run", "hello", "--engine", "sglang", "--extra-body", body, "--output", "json", *flags), timeout_s=START_S
    )
    assert ended.result["engine"]["kind"] == "sglang" and ended.result["usage"]["prompt_tokens"] > 0, ended.stderr
    assert ended.result["engine"]["base_url"].startswith("http://127.0.0.1:")
    assert "glmcode: engine: ready at http://127.0.0.1:" in ended.stderr
    assert not processes_with(str(user.home))


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
