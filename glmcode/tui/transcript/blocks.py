"""Cuts Markdown that streams in into blocks, so that only the last one has to be rendered again."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from glmcode_sandbox.clean import StreamCleaner

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

MAX_OPEN_CHARS = 16_000
"""A block that grows beyond is cut, so that an answer without structure costs no more than others."""
CODE_LINES = 40
"""An open code block is settled in pieces of so many lines."""
_WINDOW_CHARS = 32_000
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`\n]*$)|~{3,})[ \t]*([^\s`]*)[^\n]*\n", re.M)

_BLANK = re.compile(r"\A(?:[ \t]*\n)+")


class Block(NamedTuple):
    source: str
    """Clean Markdown, or code without its fences."""
    language: str | None = None
    """None: Markdown. Else code."""
    goes_on: bool = False
    """Whether it is the rest of the block before, with nothing between them."""


class Blocks:
    """The blocks of a growing text. `settled` ones never change; `open` ones may, with what comes next."""

    def __init__(self) -> None:
        self.settled: list[Block] = []
        self._cleaner = StreamCleaner()
        self._tail = ""
        self._unfinished = 0
        """How many characters of a line have come that has not ended."""
        self._goes_on = False
        self._language: str | None = None
        """Of the code block that is open."""
        self._closing: re.Pattern[str] | None = None

    def feed(self, text: str) -> None:
        """What came next, as it came: it is cleaned here."""
        for start in range(0, len(text), _WINDOW_CHARS):
            piece = text[start : start + _WINDOW_CHARS]
            self._tail += self._cleaner.feed_text(piece)
            newline = piece.rfind("\n")
            self._unfinished = len(piece) - newline - 1 + (self._unfinished if newline < 0 else 0)
            if self._unfinished > MAX_OPEN_CHARS:  # a line without end, which the cleaner would hold back
                self._tail += self._cleaner.finish()
                self._unfinished = 0
            while self._settle():
                pass

    @property
    def open(self) -> list[Block]:
        """What is not settled, as it looks now."""
        text = self._tail + self._cleaner.pending
        if self._closing is None:
            text = _BLANK.sub("", text)
            starts = [*_starts(text), len(text)]
            pieces = [text[start:end] for start, end in pairwise(starts)]
            return [Block(piece, None, self._goes_on and not number) for number, piece in enumerate(pieces)]
        code = self._closing.split(text, maxsplit=1)[0]
        return [Block(code.removesuffix("\n"), self._language, self._goes_on)] if code.strip("\n") else []

    def _settle(self) -> bool:
        """Settle what can be; whether there may be more."""
        if self._closing is not None:
            return self._settle_code(self._closing)
        self._tail = _BLANK.sub("", self._tail)
        starts = _starts(self._tail)
        for start, end in pairwise(starts):
            self._take(self._tail[start:end], None)
            self._goes_on = False
        self._tail = self._tail[starts[-1] :] if starts else ""
        if opening := _FENCE.match(self._tail):
            return self._open_code(opening)
        if len(self._tail) > MAX_OPEN_CHARS:
            cut = self._tail.rfind("\n", 0, MAX_OPEN_CHARS) + 1 or self._tail.rfind(" ", 0, MAX_OPEN_CHARS) + 1
            cut = cut or MAX_OPEN_CHARS
            self._take(self._tail[:cut], None)
            self._tail, self._goes_on = self._tail[cut:], True
            return True
        return False

    def _open_code(self, opening: re.Match[str]) -> bool:
        fence = opening[1]
        closing = re.compile(rf"^ {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*(?:\n|\Z)", re.M)
        if closing.search(self._tail, opening.end()):
            return False  # a whole block of code; it is settled with the next block
        self._closing, self._language, self._goes_on = closing, opening[2] or "", False
        self._tail = self._tail[opening.end() :]
        return True

    def _settle_code(self, closing: re.Pattern[str]) -> bool:
        if end := closing.search(self._tail):
            self._take(self._tail[: end.start()].removesuffix("\n"), self._language)
            self._tail = self._tail[end.end() :]
            self._closing, self._goes_on = None, False
            return True
        lines = self._tail.split("\n", CODE_LINES)
        if len(lines) <= CODE_LINES:
            return False
        self._take("\n".join(lines[:-1]), self._language)
        self._tail, self._goes_on = lines[-1], True
        return True

    def _take(self, source: str, language: str | None) -> None:
        if source.strip("\n") or (language is not None and self._goes_on and source):
            self.settled.append(Block(source, language, self._goes_on))


def _starts(text: str) -> list[int]:
    """Where the blocks of a text begin."""
    if not text.strip():
        return []
    lines = [0, *(ending.end() for ending in re.finditer("\n", text))]
    found = [
        lines[token.map[0]]
        for token in _splitter().parse(text)
        if token.level == 0 and token.nesting >= 0 and token.map is not None
    ]
    return [0, *found[1:]]


@lru_cache(maxsize=1)
def parser() -> "MarkdownIt":
    """CommonMark with tables and strike-through. HTML stays the text that it is."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@lru_cache(maxsize=1)
def _splitter() -> "MarkdownIt":
    """The same without what is inside of blocks."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")
