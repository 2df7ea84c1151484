"""Finds the place that an edit means: exactly, else up to line endings, else up to one shift of indentation."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

MAX_PLACES = 10_000
"""No more are looked for."""

How = Literal["exact", "line endings", "indentation"]


@dataclass(frozen=True, slots=True)
class Match:
    """Characters `start` to `end` of a text, to be replaced by `replacement`."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Found:
    """All places an edit can mean, and how they were found. Exact ones may overlap."""

    how: How
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class _Unified:
    """A text with `\\n` endings only, and where its characters stand in the original."""

    text: str
    original: str
    carriage_returns: tuple[int, ...]
    """Positions in `text` of the line feeds that are `\\r\\n` in the original."""

    def position(self, index: int) -> int:
        return index + bisect_left(self.carriage_returns, index)


def find(text: str, old: str, new: str, newline: str) -> Found:
    """Every place of `old` in `text`, by the strictest way that finds any. `old` holds more than blanks.

    New lines take the ending of the lines they replace, else `newline`, the file's own.
    """
    if places := _places(text, old):
        return Found("exact", tuple(_fit(text, start, start + len(old), new, newline) for start in places))
    unified = _unify(text)
    old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    how: How = "line endings"
    # The added line feed lets an `old` that ends with one match a last line that lacks it.
    whole = f"{unified.text}\n"
    matches = [Match(start, start + len(old), new) for start in _places(whole, old)]
    if not matches:
        how, matches = "indentation", _shifted(whole.split("\n")[:-1], old, new)
    return Found(how, tuple(_original(unified, match, newline) for match in matches))


def _places(text: str, old: str) -> list[int]:
    places: list[int] = []
    start = text.find(old)
    while start >= 0 and len(places) < MAX_PLACES:
        # A line feed is not taken from its carriage return.
        if not (old[0] == "\n" and text[start - 1 : start] == "\r"):
            places.append(start)
        start = text.find(old, start + 1)
    return places


def _original(unified: _Unified, match: Match, newline: str) -> Match:
    replacement = match.replacement
    if match.end > len(unified.text):
        replacement = replacement.removesuffix("\n")
    start, end = unified.position(match.start), unified.position(min(match.end, len(unified.text)))
    return _fit(unified.original, start, end, replacement, newline)


def _fit(text: str, start: int, end: int, new: str, newline: str) -> Match:
    ends = set(re.findall(r"\r?\n", text[start:end]))
    ending = ends.pop() if len(ends) == 1 else newline
    return Match(start, end, new.replace("\r\n", "\n").replace("\n", ending))


def _unify(text: str) -> _Unified:
    unified = text.replace("\r\n", "\n")
    if len(unified) == len(text):
        return _Unified(text, text, ())
    positions = (match.start() - count for count, match in enumerate(re.finditer("\r\n", text)))
    return _Unified(unified, text, tuple(positions))


def _shifted(lines: list[str], old: str, new: str) -> list[Match]:
    """Whole lines that equal those of `old` but for the same blanks more, or less, at the start of each."""
    whole = old.endswith("\n")
    wanted = old.removesuffix("\n").split("\n")
    first = next(i for i, line in enumerate(wanted) if line.strip())
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    matches: list[Match] = []
    for index, line in enumerate(lines):
        at = index - first
        if line.lstrip() != wanted[first].lstrip() or at < 0 or at + len(wanted) > len(lines):
            continue
        shift = _shift(wanted, lines[at : at + len(wanted)], first)
        replacement = None if shift is None else _apply(shift, new)
        if replacement is not None:
            end = starts[at + len(wanted)] - (0 if whole else 1)
            matches.append(Match(starts[at], end, replacement))
    return matches


@dataclass(frozen=True, slots=True)
class _Shift:
    more: str = ""
    """Blanks that the file has before what the model wrote."""
    less: str = ""


def _shift(wanted: list[str], lines: list[str], first: int) -> _Shift | None:
    a, b = _indent(wanted[first]), _indent(lines[first])
    if b.endswith(a) and a != b:
        shift = _Shift(more=b[: len(b) - len(a)])
    elif a.endswith(b) and a != b:
        shift = _Shift(less=a[: len(a) - len(b)])
    else:
        shift = _Shift()
    for want, line in zip(wanted, lines, strict=True):
        if not want.strip() and not line.strip():
            continue
        if _moved(shift, want) != line:
            return None
    return shift


def _apply(shift: _Shift, new: str) -> str | None:
    moved = [line if not line.strip() else _moved(shift, line) for line in new.split("\n")]
    kept = [line for line in moved if line is not None]
    return "\n".join(kept) if len(kept) == len(moved) else None


def _moved(shift: _Shift, line: str) -> str | None:
    if not line.startswith(shift.less):
        return None
    return shift.more + line[len(shift.less) :]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
