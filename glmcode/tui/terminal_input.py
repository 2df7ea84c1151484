"""What terminals send, where Textual 8 misreads it: escapes inside of pastes, and Alt+Enter."""

from collections.abc import Generator, Iterable

from textual import _ansi_sequences
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver, linux_inline_driver
from textual.keys import Keys
from textual.message import Message

from glmcode_sandbox.clean import clean_text

NEW_LINE = frozenset({"shift+enter", "ctrl+j", "alt+enter", "ctrl+enter", "shift+\r", "alt+\r", "ctrl+\r"})
"""A line break in a prompt. Those with `\\r` are what xterm's modifyOtherKeys makes of them."""

_START = "\x1b[200~"
_END = "\x1b[201~"


class TerminalInput(XTermParser):
    """Textual's parser, which is given whole pastes without escapes.

    On an escape inside of a paste it loses text and reports the next 32 characters as key presses, Enter among
    them: what is pasted would send itself. Most terminals filter escapes out of pastes, but not all (tmux).
    """

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._seen = ""
        """The last characters, which may be the beginning of a marker."""
        self._paste: list[str] | None = None

    def feed(self, data: str) -> Iterable[Message]:
        if not data:
            yield from super().feed(data)
        while data:
            if self._paste is None:
                data = yield from self._typed(data)
            else:
                data = yield from self._pasted(data, self._paste)

    def _typed(self, data: str) -> Generator[Message, None, str]:
        """Pass on what comes before a paste, and its marker; gives what follows."""
        before = len(self._seen)
        at = (self._seen + data).find(_START)
        if at < 0:
            self._seen = (self._seen + data)[-len(_START) + 1 :]
            yield from super().feed(data)
            return ""
        end = at + len(_START) - before
        self._seen, self._paste = "", []
        yield from super().feed(data[:end])
        return data[end:]

    def _pasted(self, data: str, paste: list[str]) -> Generator[Message, None, str]:
        """Keep what belongs to the paste; at its end pass it on, cleaned, with its marker. Gives what follows."""
        before = len(self._seen)
        at = (self._seen + data).find(_END)
        if at < 0:
            self._seen = (self._seen + data)[-len(_END) + 1 :]
            paste.append(data)
            return ""
        end = at + len(_END) - before
        paste.append(data[:end])
        whole = "".join(paste).removesuffix(_END)
        self._seen, self._paste = "", None
        # Terminals send CR for line ends, which would count as a redrawn line.
        text = clean_text(whole.replace("\r\n", "\n").replace("\r", "\n"))
        yield from super().feed(text + _END)
        return data[end:]


def prepare() -> None:
    """Let Textual read the terminal so; before the application runs.

    Alt+Enter of terminals without the Kitty protocol (ESC CR) then arrives as a line break: Textual takes the ESC
    away and reports Enter, which would send half a prompt. Editors' terminals are commonly set up to send the same
    for Shift+Enter.
    """
    sequences = _ansi_sequences.ANSI_SEQUENCES_KEYS
    if isinstance(sequences, dict):
        sequences.setdefault("\x1b\r", (Keys.ControlJ,))
    for driver in (linux_driver, linux_inline_driver):
        vars(driver)["XTermParser"] = TerminalInput
