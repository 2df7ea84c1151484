"""Reads lines that people type, in a thread of its own, so that events and signals go on meanwhile."""

import asyncio
import contextlib
import sys
import termios
import threading
from collections.abc import Iterator, Sequence

MAX_LINES = 10_000
"""Of one prompt; more is no typing."""


class Lines:
    """Standard input, line by line, with readline's keys and history where that is there."""

    def __init__(self) -> None:
        self._pending: asyncio.Future[str | None] | None = None

    async def read(self, prompt: str) -> str | None:
        """The next line without its end; None at the end of the input.

        Where an earlier reading was cancelled, what is typed then answers this one.
        """
        if self._pending is None or self._pending.done():
            self._pending = asyncio.get_running_loop().create_future()
            # A daemon: nothing can call a thread back from input(), and the process must be able to end.
            threading.Thread(target=self._input, args=(prompt, self._pending), daemon=True).start()
        else:
            print(prompt, end="", flush=True)
        line = await asyncio.shield(self._pending)
        self._pending = None
        return line

    async def read_prompt(self, first: str, more: str) -> str | None:
        """A prompt of one or more lines: a line that ends in a backslash goes on in the next."""
        lines: list[str] = []
        while (line := await self.read(more if lines else first)) is not None and len(lines) < MAX_LINES:
            if not line.endswith("\\"):
                return "\n".join([*lines, line])
            lines.append(line[:-1])
        return "\n".join(lines) if lines else None

    def forget_typed(self) -> None:
        """Drop what was typed before anyone asked: it must not answer a question it was not meant for."""
        if sys.stdin.isatty():
            with contextlib.suppress(termios.error):
                termios.tcflush(sys.stdin, termios.TCIFLUSH)

    def _input(self, prompt: str, answer: "asyncio.Future[str | None]") -> None:
        line: str | None
        try:
            line = input(prompt)
        except (EOFError, OSError, ValueError):  # ValueError: standard input was closed
            line = None
        except UnicodeDecodeError:
            line = ""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            answer.get_loop().call_soon_threadsafe(_resolve, answer, line)


def _resolve(answer: "asyncio.Future[str | None]", line: str | None) -> None:
    if not answer.done():
        answer.set_result(line)


@contextlib.contextmanager
def terminal_restored() -> Iterator[None]:
    """The terminal as it was: a reading that never ended leaves it without echo."""
    try:
        before = termios.tcgetattr(sys.stdin)
    except (termios.error, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(termios.error, OSError, ValueError):
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def load_history(prompts: Sequence[str]) -> None:
    """Let the arrow keys bring these back, newest first; where there is no readline they do not."""
    with contextlib.suppress(ImportError):
        import readline

        readline.set_auto_history(False)
        readline.clear_history()
        for prompt in prompts:
            remember(prompt)


def remember(prompt: str) -> None:
    """Add to what the arrow keys bring back. readline knows single lines alone."""
    with contextlib.suppress(ImportError):
        import readline

        if "\n" not in prompt:
            readline.add_history(prompt)
