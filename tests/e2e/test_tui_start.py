"""The start of the interface in a terminal: what is typed too early, and what turns out to be wrong late."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.cli import CommandLine, environment
from tests.e2e.tui_session import flags
from tests.simulated import SimulatedEndpoint

WAIT_S = 60.0
"""However busy the machine is."""
FULL_SCREEN = b"\x1b[?1049h"


class Interface:
    """The program on a terminal of its own."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        self.process = process
        self.terminal = terminal
        self.shown = b""

    async def until(self, word: bytes) -> None:
        """Wait for a word on the full screen."""
        async with asyncio.timeout(WAIT_S):
            while word not in self.shown.partition(FULL_SCREEN)[2]:
                self._read()
                await asyncio.sleep(0.05)

    async def ended(self) -> int:
        """Wait for its end; gives the exit code."""
        async with asyncio.timeout(WAIT_S):
            while self.process.returncode is None:
                self._read()
                await asyncio.sleep(0.05)
        self._read()
        return self.process.returncode

    def _read(self) -> None:
        with suppress(BlockingIOError):
            self.shown += os.read(self.terminal, 1 << 16)


@asynccontextmanager
async def interface(user: CommandLine, *arguments: str, **variables: str) -> AsyncIterator[Interface]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    os.set_blocking(ours, False)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "glmcode", *arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(user.home, TERM="xterm-256color", **variables),
        start_new_session=True,
    )
    try:
        yield Interface(process, ours)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        os.close(theirs)
        os.close(ours)


async def test_what_is_typed_while_the_program_still_loads_is_in_the_prompt(user: CommandLine, repo: Path) -> None:
    async with (
        SimulatedEndpoint([{"content": "answered"}]) as server,
        interface(user, "--repo", str(repo), *flags(server)) as it,
    ):
        os.write(it.terminal, b"impatient")
        await it.until(b"impatient")
        os.write(it.terminal, b"\r")
        await it.until(b"answered")
    assert server.requests[0].body["messages"][-1]["content"].endswith("impatient")


async def test_a_wrong_setting_ends_it_and_is_told_when_the_screen_is_gone(user: CommandLine, repo: Path) -> None:
    async with interface(user, "--repo", str(repo), GLMCODE_MAX_STEPS="many") as it:
        code = await it.ended()
    assert code == 2
    last = it.shown.decode().rpartition("\x1b[?1049l")[2]
    assert "glmcode: the environment: GLMCODE_MAX_STEPS: " in last and "Traceback" not in last


async def test_what_is_wrong_already_on_the_command_line_opens_no_screen(user: CommandLine, repo: Path) -> None:
    async with interface(user, "--repo", str(repo), "--resume", "20200101-000000-abcdef") as it:
        code = await it.ended()
    assert code == 2
    assert FULL_SCREEN not in it.shown and b"glmcode: no session 20200101-000000-abcdef" in it.shown
