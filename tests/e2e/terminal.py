"""A real terminal (tmux) that runs the program, for tests that look at the screen and at the bytes sent to it."""

import asyncio
import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli import environment

WAIT_S = 120.0
"""However busy the machine is."""
PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Terminal:
    """One tmux server with one window."""

    server: str
    output: Path
    """Every byte that the program sent to its terminal."""

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.server, *arguments], capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names: Enter, Escape, C-c, BTab."""
        self.tmux("send-keys", "-t", "main", *names)

    def type(self, text: str, *then: str) -> None:
        """Type a text, then keys."""
        self.tmux("send-keys", "-t", "main", "-l", text)
        self.keys(*then)

    @property
    def screen(self) -> str:
        return self.tmux("capture-pane", "-t", "main", "-p")

    @property
    def raw(self) -> bytes:
        return self.output.read_bytes()

    @property
    def pid(self) -> int:
        """Of the shell that runs the program."""
        return int(self.tmux("display-message", "-t", "main", "-p", "#{pane_pid}"))

    async def until(self, *words: str, gone: Sequence[str] = ()) -> str:
        """Wait until all words are on the screen and none of `gone` is."""
        end = time.monotonic() + WAIT_S
        while True:
            screen = self.screen
            if all(word in screen for word in words) and not any(word in screen for word in gone):
                return screen
            assert time.monotonic() < end, f"never came: {words}, still there: {gone}\n{screen}"
            await asyncio.sleep(0.1)

    async def press_until(self, key: str, *words: str) -> str:
        """Press a key until these words are on the screen: a dialog takes no key that was typed before it came."""
        end = time.monotonic() + WAIT_S
        while True:
            self.keys(key)
            again = time.monotonic() + PATIENCE_S
            while time.monotonic() < again:
                screen = self.screen
                if all(word in screen for word in words):
                    return screen
                await asyncio.sleep(0.1)
            assert time.monotonic() < end, f"never came after {key}: {words}\n{self.screen}"


@asynccontextmanager
async def terminal(
    home: Path, cwd: Path, *arguments: str, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Terminal]:
    """The program in a terminal of its own, closed at the end. After the program it shows `ENDED` and its code."""
    name = f"glmcode-{os.getpid()}-{secrets.token_hex(4)}"
    run = shlex.join([sys.executable, "-m", "glmcode", *arguments])
    given = Terminal(name, home / f"{name}.out")
    given.output.touch()
    variables = environment(home, LANG="C.UTF-8", TERM="xterm-256color", COLORTERM="truecolor")
    start = [
        "tmux", "-L", name, "-f", "/dev/null", "new-session", "-d", "-s", "main",
        "-x", str(size[0]), "-y", str(size[1]), "-c", str(cwd), "sh",
    ]  # fmt: skip
    subprocess.run(start, env=variables, check=True, timeout=20)  # noqa: ASYNC221
    try:
        given.tmux("pipe-pane", "-t", "main", f"cat >> {shlex.quote(str(given.output))}")
        given.type(f"clear; {run}; echo ENDED $?", "Enter")
        yield given
    finally:
        subprocess.run(["tmux", "-L", name, "kill-server"], check=False, capture_output=True, timeout=20)  # noqa: ASYNC221
