"""Ranks a repository's files for a task: what the task names comes first, then BM25 over words and parts of words."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from glmcode.context.mentions import MAX_TASK_CHARS, named

MAX_TERMS = 256
MAX_WORDS = 400_000
"""Distinct words remembered at a time, so that a repository of random data needs bounded memory."""
_K1, _B = 1.2, 0.75
_PATH_COUNT = 4
"""A word of a file's path counts like this many in its text."""

_WORD = re.compile(r"\w{2,80}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_TEST = re.compile(r"(^|/)(tests?|specs?|__tests__|testdata|fixtures?)/|(^|/)test_[^/]*$|[._-](test|spec)s?\.\w+$")
_PROSE = {".md", ".rst", ".txt", ".adoc", ".json", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".csv", ".xml", ".html"}
_STOP_WORDS = (
    "a about after all also am an and any are as at be because been before but by can cannot could did do does doing "
    "don each error expected even every fail failed for from get gets give given had has have how i if in into is it "
    "its just like make me more my need new no not now of on one only or other our out over please same see should so "
    "some such than that the their them then there these they this those to too two under use used using very want was "
    "we were what when where which while who why will with work would you your fix bug issue problem line file"
)
_STOP = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True, slots=True)
class Ranked:
    """One file in the order of relevance."""

    path: str
    score: float
    why: str
    named: bool
    lines: tuple[int, ...] = ()
    """Lines that the task points at."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What came of ranking a repository for a task."""

    files: list[Ranked]
    """Best first."""
    rarity: dict[str, float]
    """How much one occurrence of each of the task's terms says in this repository."""


@dataclass(frozen=True, slots=True)
class Query:
    """The task's words with their weights, and what every word met so far holds of them."""

    weights: dict[str, float]
    _seen: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def hits(self, word: str) -> tuple[str, ...]:
        """The task's terms in one word of a file."""
        found = self._seen.get(word)
        if found is None:
            if len(self._seen) >= MAX_WORDS:
                self._seen.clear()
            found = tuple(term for term in terms(word) if term in self.weights)
            self._seen[word] = found
        return found

    def count(self, text: str) -> tuple[Counter[str], int]:
        """How often each term of the task is in `text`, and the number of words in it."""
        counts: Counter[str] = Counter()
        total = 0
        seen = self._seen
        for word, times in Counter(_WORD.findall(text)).items():
            total += times
            found = seen.get(word)
            for term in self.hits(word) if found is None else found:
                counts[term] += times
        return counts, total


def terms(word: str) -> tuple[str, ...]:
    """A word itself and its parts, in lower case, plurals cut: `getUserIds` gives getuserid, get, user, id."""
    parts = [_stem(piece) for part in _PART.findall(word) for piece in _pieces(part.lower())]
    return tuple(dict.fromkeys([_stem(word.strip("_").lower()), *parts]))


def _pieces(part: str) -> Iterator[str]:
    # Scripts that are written without spaces are matched by pairs of characters.
    if part.isascii() or len(part) < 3 or not any("\u3040" <= char <= "\u9fff" for char in part):
        yield part
    else:
        yield from (part[i : i + 2] for i in range(len(part) - 1))


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word


def make_query(task: str) -> Query:
    """What to look for: the task's first distinct words, without those that say nothing."""
    counts: Counter[str] = Counter()
    for word in _WORD.findall(task[:MAX_TASK_CHARS]):
        if word.lower() not in _STOP:
            found = [term for term in terms(word) if len(term) > 1 and term not in _STOP]
            # A name written out is a stronger sign than the words it is made of.
            counts.update({term: 2 if len(found) > 1 and index == 0 else 1 for index, term in enumerate(found)})
    return Query({term: _weight(term, times) for term, times in list(counts.items())[:MAX_TERMS]})


def _weight(term: str, times: int) -> float:
    # Numbers of a report (dates, amounts, sizes) meet those of test data by chance.
    return (1 + math.log(times)) * (0.3 if term.isdecimal() else 1.0)


def rank(task: str, paths: list[str], texts: Iterable[tuple[str, str]], search: Query) -> Ranking:
    """The files that have to do with the task, best first, ties by path.

    `texts` gives the path and text of each readable file; a text is not kept.
    """
    counted: dict[str, tuple[Counter[str], int]] = {}
    for path, text in texts:
        counts, total = search.count(text)
        for word in _WORD.findall(path):
            for term in search.hits(word):
                counts[term] += _PATH_COUNT
        counted[path] = (counts, total)
    rarity = _rarity(counted, search)
    scores = _bm25(counted, rarity)
    mentions = named(task, paths)
    ranked = []
    for path in counted:
        score, why = scores.get(path, (0.0, ""))
        if path in mentions:
            tier, lines = mentions[path]
            ranked.append((-tier, -score, Ranked(path, round(score, 3), "named in the task", True, lines)))
        elif score > 0:
            ranked.append((0, -score, Ranked(path, round(score, 3), why, False)))
    ranked.sort(key=lambda item: (item[0], item[1], item[2].path))
    return Ranking([entry for _, _, entry in ranked], rarity)


def _rarity(counted: dict[str, tuple[Counter[str], int]], search: Query) -> dict[str, float]:
    found_in = Counter(term for counts, _ in counted.values() for term in counts)
    return {
        term: search.weights[term] * math.log(1 + (len(counted) - files + 0.5) / (files + 0.5))
        for term, files in found_in.items()
    }


def _bm25(counted: dict[str, tuple[Counter[str], int]], rarity: dict[str, float]) -> dict[str, tuple[float, str]]:
    average = sum(total for _, total in counted.values()) / max(1, len(counted)) or 1.0
    scores = {}
    for path, (counts, total) in counted.items():
        norm = _K1 * (1 - _B + _B * total / average)
        parts = {term: rarity[term] * times * (_K1 + 1) / (times + norm) for term, times in counts.items()}
        best = sorted(parts, key=lambda term: (-parts[term], term))[:4]
        scores[path] = (sum(parts[term] for term in sorted(parts)) * _factor(path), "matches " + ", ".join(best))
    return scores


def _factor(path: str) -> float:
    # Tests, prose and data speak of the same words as the code that has to change.
    if _TEST.search(path):
        return 0.6
    return 0.4 if PurePosixPath(path).suffix.lower() in _PROSE else 1.0
