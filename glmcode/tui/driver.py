"""The terminal as Textual drives it, but that may go away at any moment: then everything ends instead of waiting."""

from contextlib import suppress
from typing import IO, Any, cast

from textual.drivers.linux_driver import LinuxDriver


class _Output:
    """A terminal to write to. What one that is gone does not take is lost, and the thread that writes lives on."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()


class TerminalDriver(LinuxDriver):
    """Textual's driver, mended where a terminal is closed.

    Its thread for output ends with the first write that fails, and whoever writes on waits for it forever. And each
    SIGCONT begins input and output anew, not only the one after Ctrl+Z: one comes with every hang-up (Textual 8.0).
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file = cast(Any, _Output(cast(IO[str], self._file)))

    def _sigcont_application(self, *arguments: Any) -> None:
        if self._must_signal_resume:
            super()._sigcont_application(*arguments)
