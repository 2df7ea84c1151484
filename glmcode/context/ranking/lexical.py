"""BM25 over the terms of files, by where in the task a term stands."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress

from glmcode.context.index.snapshot import Snapshot
from glmcode.context.ranking.task import Task

_K1, _B = 1.2, 0.6
_STEP = 0.25
_COMMON = 0.6
"""Terms that more than this share of the files hold tell nothing apart."""

Scores = dict[str, float]
"""Path to value; what is missing has none."""


@dataclass(slots=True)
class Lexical:
    """What the words say."""

    by_zone: dict[str, Scores]
    rarity: dict[str, float]
    """How much one occurrence of each term says in this repository."""
    best: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    """The terms that say most for a file."""


def wanted_terms(task: Task) -> set[str]:
    """The terms that are looked for in the files."""
    return {term for zone in _zones(task).values() for term in zone}


def _zones(task: Task) -> dict[str, Mapping[str, float]]:
    return {**task.zones, "names": task.names}


def lexical(snapshot: Snapshot, task: Task) -> Lexical:
    """BM25 of each file for the task's title, prose, code and written-out names."""
    zones = _zones(task)
    files = snapshot.files
    # Two digits only: a line more in one file must not change the score of every other.
    average = float(f"{sum(file.words for file in files.values()) / max(1, len(files)):.2g}") or 1.0
    paths = list(files)
    norm = [_K1 * (1 - _B + _B * file.words / average) for file in files.values()]
    # By the place of each file: adding to a list is quicker than to a dictionary, and there are many holders.
    scores = {name: [0.0] * len(paths) for name in zones}
    rarity: dict[str, float] = {}
    best: dict[str, list[tuple[float, str]]] = {}
    for term, holders in snapshot.holders(wanted_terms(task)):
        if not holders or (len(files) > 40 and len(holders) > _COMMON * len(files)):
            continue
        idf = rarity[term] = rare(len(files), len(holders))
        parts = [(at, idf * times * (_K1 + 1) / (times + norm[at])) for at, times in holders]
        for score, weight in [(scores[name], zone[term]) for name, zone in zones.items() if term in zone]:
            for at, part in parts:
                score[at] += weight * part
        if idf > 2:
            for at, part in parts:
                best.setdefault(paths[at], []).append((part, term))
    by_zone = {name: dict(compress(zip(paths, own, strict=True), own)) for name, own in scores.items()}
    return Lexical(by_zone, rarity, best)


def rare(count: int, holders: int) -> float:
    """How much a term says that so many of `count` files hold, in coarse steps.

    One file more or less seldom changes it: an edit elsewhere leaves the scores, and with them the pack, as they are.
    """
    return max(_STEP, round(math.log(1 + (count - holders + 0.5) / (holders + 0.5)) / _STEP) * _STEP)
