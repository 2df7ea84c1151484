"""Keys that terminals send and Textual does not tell apart."""

from textual import _ansi_sequences
from textual.keys import Keys

NEW_LINE = frozenset({"shift+enter", "ctrl+j", "alt+enter", "ctrl+enter", "shift+\r", "alt+\r", "ctrl+\r"})
"""A line break in a prompt. Those with `\\r` are what xterm's modifyOtherKeys makes of them."""


def learn_alt_enter() -> None:
    """Let Alt+Enter of terminals without the Kitty protocol (ESC CR) arrive as a line break, not as Enter.

    Textual 8 takes the ESC away and reports Enter, which would send half a prompt. Editors' terminals are also
    commonly set up to send ESC CR for Shift+Enter.
    """
    sequences = _ansi_sequences.ANSI_SEQUENCES_KEYS
    if isinstance(sequences, dict):
        sequences.setdefault("\x1b\r", (Keys.ControlJ,))
