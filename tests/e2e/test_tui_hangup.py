"""A terminal that is closed while the interface runs in it: everything ends, and nothing waits for it."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.cli import CommandLine, environment
from tests.e2e.place import processes
from tests.e2e.tui_session import PROMPT, flags
from tests.simulated import SimulatedEndpoint

WAIT_S = 60.0
"""However busy the machine is."""


async def shown(terminal: int, word: bytes) -> None:
    """Read what a terminal shows until a word is there."""
    seen, end = b"", time.monotonic() + WAIT_S
    while word not in seen:
        assert time.monotonic() < end, seen[-2000:]
        try:
            seen += os.read(terminal, 1 << 16)
        except BlockingIOError:
            await asyncio.sleep(0.05)


def own_terminal() -> None:
    """In the child: its standard input becomes the terminal that a hang-up ends it by."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("streams", [False, True], ids=["idle", "streaming"])
async def test_a_closed_terminal_ends_the_program(user: CommandLine, repo: Path, streams: bool) -> None:
    words = " ".join(f"word{number}" for number in range(400))
    async with SimulatedEndpoint([{"content": words, "stall_at": 40, "stall_s": 100}]) as server:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        os.set_blocking(ours, False)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "glmcode", "--repo", str(repo), *flags(server)),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(user.home, TERM="xterm-256color"),
            start_new_session=True,
            preexec_fn=own_terminal,
        )
        os.close(theirs)
        try:
            await shown(ours, PROMPT[1:].encode())
            if streams:
                os.write(ours, b"tell me\r")
                await shown(ours, b"word2")
            os.close(ours)
            code = await asyncio.wait_for(process.wait(), WAIT_S)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert code == 143
    assert processes(user.home) == []
