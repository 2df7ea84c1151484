"""Prints lines: cleaned, in colour only where a terminal wants it, never moving the cursor."""

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

from glmcode_sandbox.clean import clean_text

Tone = Literal["plain", "quiet", "warning", "error"]
_COLOURS: dict[Tone, str] = {"plain": "", "quiet": "2", "warning": "33", "error": "1;31"}


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour: a terminal that is not dumb, and no NO_COLOR (https://no-color.org)."""
    return not environ.get("NO_COLOR") and environ.get("TERM") not in (None, "", "dumb") and stream.isatty()


class Printer:
    """Where everything is said. A reader that went away ends nothing."""

    def __init__(self, stream: TextIO | None = None, *, colour: bool | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._colour = wants_colour(self._stream, os.environ) if colour is None else colour

    def say(self, said: str, tone: Tone = "plain") -> None:
        """Whole lines. Nothing in them acts on the terminal, whoever wrote them."""
        for line in clean_text(said).rstrip("\n").split("\n"):
            code = _COLOURS[tone] if self._colour else ""
            self._write(f"\x1b[{code}m{line}\x1b[0m\n" if code and line else f"{line}\n")

    def _write(self, line: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        with contextlib.suppress(OSError):
            self._stream.write(line.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
