"""Search in the conversation: which entries have it, where in their lines, and which match is next."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from glmcode.tui.transcript.entries import Answer, Call, Entry, Note, Seal, Thinking, Todo, UserSaid
from glmcode.tui.transcript.entry_lines import folds, note_text
from glmcode.tui.transcript.lines import Line
from glmcode.tui.transcript.page import Laid, Page
from glmcode.tui.transcript.painting import GUTTER, Marked


class Found(NamedTuple):
    """A match: the entry, which of its matches, and the line it begins in."""

    entry: int
    number: int
    line: int


class Piece(NamedTuple):
    """The part of a match on one line, in characters of its text."""

    line: int
    start: int
    end: int


class Search:
    """A search in a page. It opens folded entries that have a match and closes them at its end."""

    def __init__(self, text: str, entries: Sequence[Entry], page: Callable[[], Page]) -> None:
        self.text = text
        self.current: Found | None = None
        self._pattern = re.compile(re.escape(text), re.IGNORECASE)
        self._entries = entries
        self._page = page
        self._opened: set[int] = set()
        self._matches: dict[int, tuple[Laid, list[list[Piece]]]] = {}

    def step(self, start: int, *, backwards: bool) -> Found | None:
        """The next match, from the current one or else from entry `start`; it goes round at the end. None: no match."""
        here = self.current
        count = len(self._entries)
        first = here.entry if here and here.entry < count else start
        for away in range(count + 1):
            index = (first + (-away if backwards else away)) % count
            lines = self._lines_of(index)
            if not lines:
                continue
            after = here.number if here and not away and index == here.entry else None
            number = _next(len(lines), after, backwards)
            if number is not None:
                self.current = Found(index, number, lines[number])
                return self.current
        return None

    def end(self) -> None:
        """Fold what the search had opened, but for the entry of the current match."""
        for index in self._opened - ({self.current.entry} if self.current else set()):
            self._page().fold(index, None)

    def marks(self, index: int, number: int, laid: Laid) -> list[Marked]:
        """The matches on a line of an entry."""
        found = []
        for nth, match in enumerate(self._matches_of(index, laid)):
            current = self.current is not None and (self.current.entry, self.current.number) == (index, nth)
            for piece in match:
                if piece.line == number:
                    lead = GUTTER + laid.lines[number].lead_chars
                    style = "match-current" if current else "match"
                    found.append(Marked(lead + piece.start, lead + piece.end, style))
        return found

    def _lines_of(self, index: int) -> list[int]:
        """The line of each match in an entry, which is opened for that."""
        entry = self._entries[index]
        if not any(self._pattern.search(text) for text in searched(entry)):
            return []
        page = self._page()
        if folds(entry) and not page.is_open(index):
            page.fold(index, True)
            self._opened.add(index)
        matches = self._matches_of(index, page.lay(index))
        # It may be only in what is not shown, such as the mark-up; then the entry as a whole is the match.
        return [match[0].line for match in matches] or [page.gap(index)]

    def _matches_of(self, index: int, laid: Laid) -> list[list[Piece]]:
        known = self._matches.get(index)
        if known is None or known[0] is not laid:
            known = self._matches[index] = (laid, matches_in(laid.lines, self._pattern))
        return known[1]


def searched(entry: Entry) -> tuple[str, ...]:
    """The texts of an entry that a search looks at."""
    match entry:
        case UserSaid(text):
            return (text,)
        case Answer(body) | Thinking(body):
            return (body.text,)
        case Call():
            diff = (entry.details or {}).get("diff")
            live = (entry.live.head, entry.live.tail) if entry.live else ()
            return (entry.title, entry.summary, entry.text, *live, *((diff,) if isinstance(diff, str) else ()))
        case Todo(items):
            return tuple(item.content for item in items)
        case Note():
            return (note_text(entry),)
        case Seal():
            return (entry.reason,)
        case _:
            return ()


def matches_in(lines: Sequence[Line], pattern: re.Pattern[str]) -> list[list[Piece]]:
    """Every match in some lines; one that was broken for the screen has a piece on each line."""
    found: list[list[Piece]] = []
    number = 0
    while number < len(lines):
        last = number + 1
        while last < len(lines) and lines[last].joins is not None:
            last += 1
        whole = ""
        starts: list[int] = []
        for line in lines[number:last]:
            whole += (line.joins or "") if starts else ""
            starts.append(len(whole))
            whole += line.text
        found += [_pieces(match, number, starts, lines) for match in pattern.finditer(whole) if match.group()]
        number = last
    return found


def _pieces(match: re.Match[str], first: int, starts: Sequence[int], lines: Sequence[Line]) -> list[Piece]:
    found = []
    for away, begin in enumerate(starts):
        start = max(0, match.start() - begin)
        end = min(len(lines[first + away].text), match.end() - begin)
        if start < end:
            found.append(Piece(first + away, start, end))
    return found or [Piece(first, 0, 0)]


def _next(count: int, after: int | None, backwards: bool) -> int | None:
    if after is None:
        return count - 1 if backwards else 0
    number = after - 1 if backwards else after + 1
    return number if 0 <= number < count else None
