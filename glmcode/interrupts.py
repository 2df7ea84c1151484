"""Ctrl-C, SIGTERM, a terminal that goes away: the first ends the run in order, another Ctrl-C or SIGTERM at once."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from glmcode.exit_codes import ExitCode

_CODES = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.TERMINATED,
}


class Interrupts:
    """Turns the first signal into a call of `target`; `code` then says how the process must exit."""

    def __init__(self, target: Callable[[], object]) -> None:
        self.code: ExitCode | None = None
        self.target = target
        self._loop = asyncio.get_running_loop()
        # What is ignored from the start (nohup, background jobs of a script) stays ignored.
        self._watched = [number for number in _CODES if signal.getsignal(number) is not signal.SIG_IGN]
        for number in self._watched:
            self._loop.add_signal_handler(number, self._received, _CODES[number])

    def _received(self, code: ExitCode) -> None:
        self.code = code
        for number in self._watched:
            self._loop.remove_signal_handler(number)
            # The keep-alive of every sandbox hangs on this process, so dying at once leaves nothing behind. A terminal
            # that is closed hangs up twice, for the editor that closes it and for the system: that is one wish.
            signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
        self.target()


async def interruptible(work: Coroutine[Any, Any, int]) -> int:
    """The exit code of `work`; the first signal cancels it, so that it cleans up, and is the exit code then."""
    task = asyncio.current_task()
    assert task is not None
    interrupts = Interrupts(task.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        if interrupts.code is None:
            raise
        print("glmcode: interrupted", file=sys.stderr)
        return interrupts.code
