"""Cuts a file into pieces that are sent whole: functions, classes' heads, and the code between them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from glmcode.context.index.grammars import Definition, definitions, language_of

MAX_PIECE_LINES = 90
"""Longer functions are cut, where they are indented least."""
SMALL_CONTAINER_LINES = 30
_BEFORE = re.compile(r"\s*(?:@|#(?!\s*(?:if|else|endif|include|define))|//|/\*|\*|--|\"\"\")")
_PLAIN_START = re.compile(
    r"(?:#{1,6} |\[|[A-Za-z_][\w .-]*[:=({]|\.\. |<(?:script|template|style|body|head|section|div))"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of a file, counted from 1, both included. The pieces of a file are all its lines, in order."""

    first: int
    last: int
    name: str
    """What it defines; empty for the code between definitions."""
    inside: str
    """The name of the class or module around it."""


def pieces_of(path: str, data: bytes) -> list[Piece]:
    """The pieces of a file; by its definitions where there is a grammar, else by what looks like a heading."""
    language = language_of(path)
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    found = definitions(language, data) if language else []
    return cut(lines, found) if found else plain(lines)


def plain(lines: Sequence[str]) -> list[Piece]:
    """Windows of lines that begin at what looks like a heading."""
    return [piece for first, last in _split(lines, 1, len(lines), 60) for piece in [Piece(first, last, "", "")]]


def cut(lines: Sequence[str], found: Sequence[Definition]) -> list[Piece]:
    """The pieces of a file with these definitions in it."""
    starts: dict[int, tuple[str, str]] = {1: ("", "")}
    open_: list[Definition] = []
    leaf_until = 0
    for one in found:
        while open_ and open_[-1].last < one.first:
            done = open_.pop()
            starts.setdefault(done.last + 1, ("", open_[-1].name if open_ else ""))
        if one.first <= leaf_until:
            continue
        inside = open_[-1].name if open_ else ""
        starts[_with_comments(lines, one.first, starts)] = (one.name, inside)
        length = one.last - one.first + 1
        if length > (SMALL_CONTAINER_LINES if one.kind == "container" else MAX_PIECE_LINES):
            open_.append(one)
        else:
            leaf_until = one.last
            starts.setdefault(one.last + 1, ("", inside))
    while open_:
        done = open_.pop()
        starts.setdefault(done.last + 1, ("", open_[-1].name if open_ else ""))
    return _between(lines, starts)


def is_comment(line: str) -> bool:
    """Whether a line is a comment, or an annotation that belongs to what follows."""
    return _BEFORE.match(line) is not None


def _between(lines: Sequence[str], starts: dict[int, tuple[str, str]]) -> list[Piece]:
    pieces: list[Piece] = []
    ordered = [first for first in sorted(starts) if first <= len(lines)]
    for first, following in zip(ordered, [*ordered[1:], len(lines) + 1], strict=True):
        name, inside = starts[first]
        blank = all(not lines[at].strip(" \t})];,") for at in range(first - 1, following - 1))
        if blank and pieces and not name:
            before = pieces[-1]
            pieces[-1] = Piece(before.first, following - 1, before.name, before.inside)
            continue
        parts = _split(lines, first, following - 1, MAX_PIECE_LINES)
        pieces += [Piece(start, end, name, inside) for start, end in parts]
    return pieces


def _with_comments(lines: Sequence[str], first: int, starts: dict[int, tuple[str, str]]) -> int:
    while first - 1 > 1 and first - 1 not in starts and is_comment(lines[first - 2]):
        first -= 1
    return first


def _split(lines: Sequence[str], first: int, last: int, most: int) -> list[tuple[int, int]]:
    """Ranges of at most `most` lines, cut before the line that is indented least, if possible after a blank one."""
    ranges = []
    while last - first + 1 > most:
        best = min(
            range(first + most // 2, first + most),
            key=lambda at: (_depth(lines, at), -at),
        )
        ranges.append((first, best - 1))
        first = best
    if first <= last:
        ranges.append((first, last))
    return ranges


def _depth(lines: Sequence[str], at: int) -> float:
    line = lines[at - 1]
    if not line.strip() or line.lstrip()[:1] in ")]}":
        return 1000.0
    depth = len(line) - len(line.lstrip())
    after_blank = at > 1 and not lines[at - 2].strip()
    return depth - 4.0 * after_blank - 4.0 * bool(_PLAIN_START.match(line))
