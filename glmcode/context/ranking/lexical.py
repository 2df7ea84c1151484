"""BM25 over the terms of files, by where in the task a term stands, and over the parts of their paths."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from glmcode.context.index.snapshot import Snapshot
from glmcode.context.index.words import WORD, TermCounter
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
    by_zone = {
        name: {path: score for path, score in zip(paths, own, strict=True) if score} for name, own in scores.items()
    }
    return Lexical(by_zone, rarity, best)


def rare(count: int, holders: int) -> float:
    """How much a term says that so many of `count` files hold, in coarse steps.

    One file more or less seldom changes it: an edit elsewhere leaves the scores, and with them the pack, as they are.
    """
    return max(_STEP, round(math.log(1 + (count - holders + 0.5) / (holders + 0.5)) / _STEP) * _STEP)


def path_terms(paths: list[str]) -> dict[str, dict[str, float]]:
    """The terms of each path: those of the file's own name count double."""
    counter = TermCounter()
    folders: dict[str, dict[str, float]] = {}
    names: dict[str, dict[str, float]] = {}
    found = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            folders[folder] = dict.fromkeys(counter.terms(folder), 1.0)
        # The folder of a package's front file is its name.
        front = name.startswith(("__init__.", "mod.", "index.", "lib.", "main."))
        own = folder.rpartition("/")[2] if front else name.partition(".")[0] or name
        if own not in names:
            names[own] = dict.fromkeys(counter.terms(own), 2.0)
        found[path] = folders[folder] | names[own]
    return found


def path_scores(by_path: Mapping[str, Mapping[str, float]], task: Task) -> dict[str, Scores]:
    """How far the task's words name the path: with rare words, and as a share of the file name's own words."""
    wanted: dict[str, float] = {}
    for name, factor in (("title", 2.0), ("prose", 1.0), ("code", 1.0)):
        for term, weight in task.zones[name].items():
            wanted[term] = wanted.get(term, 0.0) + factor * min(weight, 2.0)
    found_in = Counter(chain.from_iterable(by_path.values()))
    count = len(by_path)
    by_count = {n: rare(count, n) for n in set(found_in.values())}
    rarity = {term: by_count[n] for term, n in found_in.items()}
    weighed, covered = {}, {}
    for path, terms in by_path.items():
        if wanted.keys().isdisjoint(terms):
            continue
        hits = [term for term in terms if term in wanted]
        weighed[path] = sum(rarity[term] * terms[term] * wanted[term] for term in hits) / (4 + len(terms))
        total = sum(rarity[term] for term, times in terms.items() if times == 2.0)
        own = sum(rarity[term] for term in hits if terms[term] == 2.0)
        if own and total:
            covered[path] = own * own / total
    return {"path": weighed, "file_name": covered}


def words_of(text: str) -> list[str]:
    """The words of a text in order."""
    return WORD.findall(text)
