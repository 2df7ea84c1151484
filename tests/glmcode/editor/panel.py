"""A task panel as an editor has it: a pseudoterminal whose session is led by the task's process."""

import os
import pty
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CTRL_C = b"\x03"


@dataclass(slots=True)
class Panel:
    pid: int
    terminal: int
    shown: str = ""
    code: int | None = None

    def read(self, wait_s: float = 0.05) -> None:
        """Take what was printed; nothing where the terminal is closed."""
        with suppress(OSError):
            if self.terminal >= 0 and select.select([self.terminal], [], [], wait_s)[0]:
                self.shown += os.read(self.terminal, 65536).decode("utf-8", "replace")

    def until(self, holds: Callable[[], bool], limit_s: float = 30) -> None:
        deadline = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < deadline, self.shown
            self.read()

    def press(self, keys: bytes) -> None:
        os.write(self.terminal, keys)

    def close_terminal(self) -> None:
        """The system hangs up on the session."""
        os.close(self.terminal)
        self.terminal = -1

    def ended(self) -> bool:
        if self.code is None and (found := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.code = os.waitstatus_to_exitcode(found[1])
        return self.code is not None

    @property
    def lines(self) -> list[str]:
        return self.shown.replace("\r\n", "\n").splitlines()


@contextmanager
def panel(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Iterator[Panel]:
    """Run a command in a panel; what still runs at the end is killed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], list(command), dict(environ))
    opened = Panel(pid, terminal)
    try:
        yield opened
    finally:
        if not opened.ended():
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        if opened.terminal >= 0:
            os.close(opened.terminal)
