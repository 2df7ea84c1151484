"""Notices an answer that runs in circles, or thinking that finds no end."""

from typing import Literal

_GRAM = 8
"""Characters that are compared at a time."""
_MOST_CHARS = 32_000_000
"""Of text and calls: far more than the longest answer of a model, 131,072 tokens."""
_LOOK_EVERY = 100
"""Characters: tokens come in pieces of a few, too small to look at each."""


class Degenerate(Exception):
    """The stream is of no use any more. The text says why."""

    def __init__(self, repair: Literal["degenerate", "thinking_budget"], why: str) -> None:
        super().__init__(why)
        self.repair = repair


class CircleWatch:
    """Reads a text as it comes and says when its end only repeats itself.

    A normal text hardly ever repeats eight characters; one in a circle has few different eights, however it is cut
    into pieces. Short windows find runs of `!`, long ones find sentences and paragraphs.
    """

    def __init__(self, windows: tuple[tuple[int, float], ...]) -> None:
        """`windows`: lengths in characters, and the part of different eights below which the window is a circle."""
        self._windows = windows
        self._longest = max(length for length, _ in windows)
        self._tail = self._pending = ""
        self._unread = dict.fromkeys((length for length, _ in windows), 0)

    def add(self, text: str) -> bool:
        """Take the next piece; whether the text runs in circles."""
        self._pending += text
        if len(self._pending) < _LOOK_EVERY:
            return False
        text, self._pending = self._pending, ""
        # A huge piece is looked at in parts, so that its beginning counts too.
        parts = (text[start : start + self._longest] for start in range(0, len(text), self._longest))
        return any(self._add(part) for part in parts)

    def _add(self, piece: str) -> bool:
        self._tail = (self._tail + piece)[-self._longest :]
        for length, part in self._windows:
            self._unread[length] += len(piece)
            if len(self._tail) < length or self._unread[length] < length // 4:
                continue
            self._unread[length] = 0
            if _has_few_eights(self._tail[-length:], part * length):
                return True
        return False


def _has_few_eights(window: str, enough: float) -> bool:
    """Whether fewer different eights than `enough` are in it; a normal text has as many in its first few lines."""
    eights = set[str]()
    for at in range(len(window) - _GRAM + 1):
        eights.add(window[at : at + _GRAM])
        if len(eights) >= enough:
            return False
    return True


class AnswerWatch:
    """Watches the thinking and the text of one answer."""

    def __init__(self, thinking_budget: int) -> None:
        """`thinking_budget` is in tokens, taken as four bytes each."""
        self._budget = thinking_budget
        self._thought_bytes = 0
        self._thinking = CircleWatch(((400, 0.02), (4_000, 0.05), (16_000, 0.06)))
        # Answers may hold tables and rules, so only what is hopeless counts.
        self._text = CircleWatch(((3_000, 0.003), (16_000, 0.03)))
        # Files that are written may hold still more of the same.
        self._calls = CircleWatch(((16_000, 0.005),))
        self._unthought_chars = 0

    def think(self, piece: str) -> None:
        """Take a piece of thinking. Raises Degenerate."""
        self._thought_bytes += len(piece.encode("utf-8", "surrogatepass"))
        if self._thinking.add(piece):
            raise Degenerate("degenerate", "the thinking runs in circles")
        if self._thought_bytes > 4 * self._budget:
            raise Degenerate("thinking_budget", f"the thinking exceeds {self._budget:,} tokens")

    def say(self, piece: str) -> None:
        """Take a piece of text. Raises Degenerate."""
        self._measure(piece)
        if self._text.add(piece):
            raise Degenerate("degenerate", "the answer runs in circles")

    def call(self, piece: str) -> None:
        """Take a piece of a tool call. Raises Degenerate."""
        self._measure(piece)
        if self._calls.add(piece):
            raise Degenerate("degenerate", "the calls run in circles")

    def _measure(self, piece: str) -> None:
        self._unthought_chars += len(piece)
        if self._unthought_chars > _MOST_CHARS:
            raise Degenerate("degenerate", "the answer finds no end")
