"""Chooses line ranges of a file that is too long to send whole: the definitions that speak of the task."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence

from glmcode.context.rank import Query

MAX_UNIT_LINES = 80
_LEAST_SCORE = 0.2
"""Definitions that score less than this part of the file's best one are left out."""
_JOIN_GAP = 3
"""Ranges that are this many lines apart, or fewer, become one."""
_DEFINITION = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|internal|static|async|abstract|final|sealed|override|virtual|"
    r"inline|unsafe|extern|pub(?:\([\w:]+\))?)\s+)*"
    r"(?:def|class|function\*?|func|fn|fun|interface|struct|enum|trait|impl|type|module|namespace|object|sub|proc|const|"
    r"record|template|#{1,6})\s"
)
_BEFORE = re.compile(r"\s*(?:@|#(?!\s*(?:if|else|endif))|//|/\*|\*)")

Range = tuple[int, int]
"""First and last line, counted from 1, both included."""


def excerpt(
    text: str,
    search: Query,
    rarity: Mapping[str, float],
    lines: Sequence[int],
    budget: int,
    cost: Callable[[str], int],
) -> tuple[Range, ...]:
    """The ranges that match best, in order, within `budget` as `cost` counts; empty where nothing matches or fits.

    `rarity` says how much each term is worth; `lines` are those the task points at: what holds them comes first.
    """
    content = text.split("\n")
    scored = []
    for first, last in _units(content):
        counts, _ = search.count("\n".join(content[first - 1 : last]))
        pointed = sum(first <= line <= last for line in lines)
        score = sum(rarity.get(term, 0.0) * min(3, times) for term, times in sorted(counts.items()))
        if pointed or score > 0:
            scored.append((-pointed, -score, first, last))
    least = _LEAST_SCORE * max((-score for _, score, _, _ in scored), default=0.0)
    chosen: list[Range] = []
    left = budget
    for pointed, score, first, last in sorted(scored):
        if not pointed and -score < least:
            continue
        needed = cost("\n".join(content[first - 1 : last]) + "\n")
        if needed <= left:
            chosen.append((first, last))
            left -= needed
    return _joined(chosen)


def cut(text: str, ranges: Sequence[Range]) -> list[str]:
    """The text of each range."""
    content = text.split("\n")
    return ["\n".join(content[first - 1 : last]) for first, last in ranges]


def _units(content: Sequence[str]) -> list[Range]:
    """The file in pieces: each from a definition, with its comments and decorators, to the next one."""
    starts = {0}
    for index, line in enumerate(content):
        if _DEFINITION.match(line):
            while index > 0 and _BEFORE.match(content[index - 1]):
                index -= 1
            starts.add(index)
    units = []
    bounds = [*sorted(starts), len(content)]
    for start, end in itertools.pairwise(bounds):
        units += [(at + 1, min(at + MAX_UNIT_LINES, end)) for at in range(start, end, MAX_UNIT_LINES)]
    return units


def _joined(ranges: Sequence[Range]) -> tuple[Range, ...]:
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first - joined[-1][1] <= _JOIN_GAP + 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return tuple(joined)
