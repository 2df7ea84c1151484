"""Ctrl-C and SIGTERM: the first ends the run in order, the second at once."""

import asyncio
import signal
from collections.abc import Callable

from glmcode.exit_codes import ExitCode


class Interrupts:
    """Turns the first signal into a call of `target`; `code` then says how the process must exit."""

    def __init__(self, target: Callable[[], object]) -> None:
        self.code: ExitCode | None = None
        self.target = target
        self._loop = asyncio.get_running_loop()
        for number, code in ((signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)):
            self._loop.add_signal_handler(number, self._received, code)

    def _received(self, code: ExitCode) -> None:
        self.code = code
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.remove_signal_handler(number)
            # The keep-alive of every sandbox hangs on this process, so dying at once leaves nothing behind.
            signal.signal(number, signal.SIG_DFL)
        self.target()
