import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from glmcode_engine.sglang.phases import PHASES, TITLES
from glmcode_engine.sglang.record import Place, Record
from tests.cli import CommandLine
from tests.engine.sglang.installation import checkpoint, install, processes_with, until

Serving = tuple[CommandLine, Path]


@pytest.fixture
async def serving(tmp_path: Path, own_home: Path) -> AsyncIterator[Serving]:
    """A user whose sglang is the stand-in, and a checkpoint; whatever runs at the end is stopped."""
    variables = {"PYTHONPATH": str(install(tmp_path)), "GLMCODE_SGLANG_PYTHON": sys.executable, "FAKE_SGLANG": ""}
    user = CommandLine(own_home, variables)
    yield user, checkpoint(tmp_path)
    await user.run("engine", "stop")
    assert not processes_with(str(own_home))


def repository(folder: Path, files: int = 1, text: str = "x = 1\n") -> Path:
    folder.mkdir()
    for number in range(files):
        (folder / f"part{number}.py").write_text(text)
    for words in (("init", "-q"), ("add", "."), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a")):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


def place_of(user: CommandLine) -> Place:
    return Place(user.state / "engine")


def ready(user: CommandLine) -> Record | None:
    record = place_of(user).read()
    return record if record is not None and record.state == "ready" else None


async def test_a_server_in_the_background_is_told_adopted_and_stopped(serving: Serving) -> None:
    user, model = serving
    started = await user.run("engine", "serve", "--model-path", str(model), "--detach", "--", "--tp-size", "1")
    assert started.code == 0, started.stderr
    lines = started.stderr.splitlines()
    # Which phases are seen depends on the machine; those that are come in order, and the last is that it is ready.
    told = [next(name for name, title in TITLES.items() if f"engine: {title}" in line) for line in lines[:-1]]
    assert told[-1] == "ready" and told == sorted(told, key=PHASES.index)
    assert "runs in the background" in lines[-1]
    shown = json.loads((await user.run("engine", "status", "--json")).stdout)
    assert (shown["state"], shown["window"], shown["healthy"], shown["model"]) == ("ready", 4096, True, str(model))
    assert "tokens/s" in (await user.run("engine", "status")).stdout
    adopted = await user.run("engine", "serve", "--model-path", str(model))
    assert adopted.code == 0 and f"runs already: {shown['base_url']}" in adopted.ending
    stopped = await user.run("engine", "stop")
    assert (stopped.code, stopped.ending) == (0, f"glmcode: engine default stopped ({shown['base_url']})")
    assert (await user.run("engine", "stop")).ending == "glmcode: no engine default runs"
    assert json.loads((await user.run("engine", "status", "--json")).stdout)["state"] == "stopped"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_server_in_the_foreground_ends_with_a_signal(
    number: signal.Signals, code: int, serving: Serving
) -> None:
    user, model = serving
    async with user.started("engine", "serve", "--model-path", str(model)) as running:
        await until(lambda: ready(user))
        running.process.send_signal(number)
        ended = await running.ended()
    assert ended.code == code and ended.ending.endswith("glmcode: engine default stopped")
    assert not processes_with(str(user.home)) and place_of(user).read() is None


async def test_nothing_is_left_when_glmcode_is_killed(serving: Serving) -> None:
    user, model = serving
    async with user.started("engine", "serve", "--model-path", str(model)) as running:
        await until(lambda: ready(user))
        os.kill(running.process.pid, signal.SIGKILL)
        await running.process.wait()
    await until(lambda: not processes_with(str(user.home)))
    assert (await user.run("engine", "status")).stdout == "engine default: stopped\n"


async def test_who_interrupts_a_start_in_the_background_ends_it(serving: Serving) -> None:
    user, model = serving
    user.variables["FAKE_SGLANG"] = "slow"
    async with user.started("engine", "serve", "--model-path", str(model), "--detach") as running:
        await until(lambda: place_of(user).read())
        running.process.send_signal(signal.SIGINT)
        assert (await running.ended()).code == 130
    assert not processes_with(str(user.home))


async def test_a_start_that_fails_ends_with_its_cause_and_69(serving: Serving) -> None:
    user, model = serving
    user.variables["FAKE_SGLANG"] = "oom"
    for flags in ((), ("--detach",)):
        ended = await user.run("engine", "serve", "--model-path", str(model), *flags)
        assert ended.code == 69
        assert "the server did not start: the GPUs have too little free memory (torch.OutOfMemoryError" in ended.ending
    assert "cause" in (await user.run("engine", "status")).stdout
    repo = repository(user.home / "repo")
    how = ("--engine", "sglang", "--model-path", str(model), "--repo", str(repo), "--sandbox", "none")
    run = await user.run("run", "hello", *how)
    assert run.code == 69 and "the GPUs have too little free memory" in run.ending
    assert not processes_with(str(user.home / ".local"))


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "no engine runs here"),
        (("--model-path", "/nowhere"), 69, "--model-path /nowhere: no such folder"),
        (("--model-path", "a/b", "--name", "../x"), 2, "--name takes up to 40"),
        (("--model-path", "a/b", "--tp", "0"), 2, "engine serve: tp: Input should be greater than or equal to 1"),
        (("--model-path", "a/b", "--", "--api-key", "x"), 69, "--api-key cannot be passed on"),
    ],
)
async def test_a_start_that_cannot_be_is_refused_in_one_line(
    arguments: tuple[str, ...], code: int, told: str, serving: Serving
) -> None:
    user, _ = serving
    ended = await user.run("engine", "serve", *arguments)
    assert ended.code == code and told in ended.stderr and ended.stderr.count("\n") == 1


async def test_a_pack_takes_a_third_of_the_window_of_the_server_here_at_most(serving: Serving) -> None:
    user, model = serving
    repo = repository(user.home / "repo", 40, "def part():\n" + "    total = total + 1  # part of the sum\n" * 20)
    how = ("--engine", "sglang", "--model-path", str(model), "--repo", str(repo), "--sandbox", "none")
    ended = await user.run("run", "which part of the sum is wrong?", *how, "--output", "stream-json")
    (begun,) = (record for record in ended.records if record["kind"] == "session_started")
    assert 100 < begun["context_tokens"] <= 4096 // 3


async def test_what_a_dead_server_left_does_not_pass_for_the_next_one(serving: Serving) -> None:
    user, model = serving
    user.variables["FAKE_SGLANG"] = "oom"
    assert (await user.run("engine", "serve", "--model-path", str(model))).code == 69
    python = user.home / "python"
    python.write_text(f'#!/bin/sh\nsleep 5\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    async with user.started("engine", "serve", "--model-path", str(model), "--sglang-python", str(python)) as running:
        await until(place_of(user).is_supervised)
        await until(lambda: place_of(user).read() is None, limit_s=4)
        assert json.loads((await user.run("engine", "status", "--json")).stdout)["state"] == "starting"
        running.process.send_signal(signal.SIGINT)
        await running.ended()
