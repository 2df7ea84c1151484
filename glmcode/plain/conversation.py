"""The plain session: a prompt is read, its turn is told, until the input ends or the second Ctrl-C."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from glmcode.events import Event
from glmcode.exit_codes import ExitCode
from glmcode.plain.lines import Lines, load_history, remember, terminal_restored
from glmcode.plain.printer import Printer
from glmcode.plain.telling import Teller
from glmcode.tui.prompt.draft import Draft
from glmcode.tui.prompt.history import HistoryFile
from glmcode.tui.texts import text

LEAVE = frozenset({"/quit", "/exit", "/q"})


class Turns(Protocol):
    """What plays turns: the agent, or a session around it."""

    def run(self, prompt: str) -> AsyncGenerator[Event, None]: ...

    def cancel(self) -> None: ...


Commands = Callable[[str], Awaitable[str | None]]
"""What a command with its slash answers, for people; None where it is played as a turn is."""


class Conversation:
    """One plain session. `converse` gives the exit code."""

    def __init__(
        self,
        turns: Turns,
        lines: Lines,
        printer: Printer,
        *,
        commands: Commands | None = None,
        folder: Path | None = None,
    ) -> None:
        """`folder` (see `glmcode.tui.prompt.private.prompt_folder`) holds the history; None keeps none."""
        self._turns = turns
        self._lines = lines
        self._printer = printer
        self._teller = Teller(printer)
        self._commands = commands
        self._history = HistoryFile(folder) if folder else None
        self._running = False
        self._warned = False
        self._code: ExitCode | None = None

    async def converse(self, first: str | None = None) -> int:
        """Until it ends; `first` is the prompt of the first turn."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        loop.add_signal_handler(signal.SIGINT, self._interrupted, task)
        try:
            with terminal_restored():
                await self._load_history()
                self._printer.say(text("plain.welcome"), "quiet")
                await self._rounds(first)
        except asyncio.CancelledError:
            if self._code is None:
                raise
            task.uncancel()
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        return self._code or ExitCode.DONE

    async def _rounds(self, prompt: str | None) -> None:
        while True:
            if prompt is None:
                prompt = await self._lines.read_prompt("> ", "… ")
            if prompt is None or prompt.strip() in LEAVE:
                return
            self._warned = False
            if prompt := prompt.strip():
                await self._remember(prompt)
                await (self._command(prompt) if _is_command(prompt) else self._turn(prompt))
            prompt = None

    async def _turn(self, prompt: str) -> None:
        self._running = True
        try:
            async with aclosing(self._turns.run(prompt)) as events:
                async for event in events:
                    self._teller.tell(event)
        finally:
            self._running = self._warned = False

    async def _command(self, command: str) -> None:
        if command == "/help" or self._commands is None:
            self._printer.say(text("plain.help"))
        elif (answer := await self._commands(command)) is not None:
            self._printer.say(answer)
        else:
            await self._turn(command)

    def _interrupted(self, task: "asyncio.Task[int]") -> None:
        """The first ends the turn, or warns where none runs; the second leaves."""
        if self._warned:
            self._code = ExitCode.INTERRUPTED
            # Whoever presses it a third time wants no orderly end.
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
            task.cancel()
            return
        self._warned = True
        if self._running:
            self._turns.cancel()
        self._printer.say("\n" + text("plain.interrupting" if self._running else "plain.again_leaves"))

    async def _load_history(self) -> None:
        if self._history is not None:
            past = await asyncio.to_thread(self._history.read)
            load_history([entry.text for entry in past if not entry.pastes])

    async def _remember(self, prompt: str) -> None:
        remember(prompt)
        if self._history is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._history.append, Draft(prompt))


def _is_command(prompt: str) -> bool:
    """`/usr/bin` is a path in a prompt, not a command."""
    word = prompt.split()[0]
    return word.startswith("/") and word[1:].replace("-", "").isalpha()
