"""Runs that are ended from outside: nothing of them goes on, nothing that they did is lost."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine, Ended, Running
from tests.e2e.place import (
    DONE,
    FIX,
    FIXED,
    SOURCE,
    call,
    commands_in,
    containers,
    left_containers,
    members,
    messages,
    processes,
)
from tests.simulated import SimulatedEndpoint

pytestmark = pytest.mark.docker

HANGS = call("shell", command="touch new.txt; sleep 3003")
STALLS = {
    "raw": [
        json.dumps({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "I was about to"}}]}),
        json.dumps({"choices": [{"index": 0, "delta": {"content": " go on"}}]}),
    ],
    "stall_s": 60.0,
}
LOOK = call("read", path="calc.py")
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@dataclass(slots=True)
class Conversation:
    """A repository, a user and an endpoint that plays `answers`, which may grow."""

    user: CommandLine
    repo: Path
    flags: tuple[str, ...]
    server: SimulatedEndpoint
    answers: list[dict[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def started(self, *arguments: str) -> AsyncIterator[Running]:
        async with self.user.started("run", *arguments, *self.flags, "--base-url", self.server.base_url) as running:
            yield running


@pytest.fixture
async def conversation(user: CommandLine, repo: Path, image: str) -> AsyncIterator[Conversation]:
    answers: list[dict[str, Any]] = []
    async with SimulatedEndpoint(lambda _, number: answers[number]) as server:
        yield Conversation(user, repo, ("--repo", str(repo), "--image", image), server, answers)


async def _eventually(holds: Callable[[], bool], limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.05)


def _sleeps_in(running: Running) -> Callable[[], bool]:
    return lambda: any("sleep 3003" in line for line in commands_in(running.process.pid))


async def _resumed(conversation: Conversation) -> Ended:
    """Go on with the session: what was said comes first again, byte for byte, and what was changed is there."""
    earlier = conversation.server.requests[-1].raw
    count = len(conversation.server.requests)
    conversation.answers[count:] = [LOOK, DONE]
    async with conversation.started("--output", "json", "--resume", "go on") as running:
        ended = await running.ended()
    assert ended.code == 0, ended.stderr
    first, second = (request.raw for request in conversation.server.requests[count:])
    before, after = messages(earlier), messages(first)
    assert after[: len(before)] == before and json.loads(after[-1])["role"] == "user" and "go on" in after[-1]
    assert {**members(first), "messages": ""} == {**members(earlier), "messages": ""}
    assert "return a + b" in messages(second)[-1]
    assert (conversation.repo / "calc.py").read_text() == FIXED and ended.result["applied"]
    return ended


@pytest.mark.parametrize(("number", "code"), SIGNALS)
async def test_a_signal_in_the_middle_of_a_command(
    conversation: Conversation, number: signal.Signals, code: int
) -> None:
    conversation.answers += [FIX, HANGS]
    async with conversation.started("fix add", "--output", "json") as running:
        await _eventually(_sleeps_in(running))
        running.signal_group(number)
        ended = await running.ended(timeout_s=15)
    _check_ending(ended, conversation, code)
    assert ended.result["files_changed"] == ["calc.py", "new.txt"]
    resumed = await _resumed(conversation)
    assert resumed.result["session"] == ended.result["session"]
    roles = [json.loads(message)["role"] for message in messages(conversation.server.requests[2].raw)]
    assert roles[-3:] == ["assistant", "tool", "user"]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
async def test_a_signal_in_the_middle_of_an_answer(
    conversation: Conversation, number: signal.Signals, code: int
) -> None:
    conversation.answers += [FIX, STALLS]
    async with conversation.started("fix add", "--output", "stream-json") as running:
        await running.until('"assistant_delta"', "I was about to")
        running.signal_group(number)
        ended = await running.ended(timeout_s=15)
    _check_ending(ended, conversation, code)
    assert ended.records[-1]["answer"] == "I was about to"
    assert conversation.server.requests[1].ended_at is None
    await _resumed(conversation)
    partial = json.loads(messages(conversation.server.requests[2].raw)[-2])
    assert (partial["role"], partial["content"]) == ("assistant", "I was about to")


def _check_ending(ended: Ended, conversation: Conversation, code: int) -> None:
    result = ended.records[-1]
    assert (ended.code, result["kind"], result["exit_code"], result["status"]) == (code, "result", code, "cancelled")
    assert ended.stderr.startswith("glmcode: ") and f"exit code {code}" in ended.ending
    assert not left_containers(ended.pid) and not processes(conversation.user.home)
    assert (conversation.repo / "calc.py").read_text() == SOURCE


async def test_a_killed_run_leaves_no_container_and_can_be_resumed(conversation: Conversation) -> None:
    conversation.answers += [FIX, HANGS]
    async with conversation.started("fix add") as running:
        await _eventually(_sleeps_in(running))
        assert processes(conversation.user.home) == [running.process.pid]
        running.process.kill()
        assert await running.process.wait() == -signal.SIGKILL
        pid = running.process.pid
        await _eventually(lambda: not containers(pid), limit_s=10)
    await _eventually(lambda: not processes(conversation.user.home), limit_s=5)
    assert (conversation.repo / "calc.py").read_text() == SOURCE
    ended = await _resumed(conversation)
    assert ended.result["files_changed"] == ["calc.py", "new.txt"]
    sessions = conversation.user.state / "sessions"
    assert not list(sessions.glob("*/workspace/workspace-*"))
