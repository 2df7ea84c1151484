"""Looks into the pieces of one file: the task's words, phrases and names in each."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise

from glmcode.context.index.counting import Finder
from glmcode.context.index.pieces import Piece
from glmcode.context.index.standing import Standing
from glmcode.context.index.words import stem, whole
from glmcode.context.ranking.task import Task

_K1, _B, _AVERAGE = 1.2, 0.5, 120


class _Hits:
    """The task's terms in each word; what a word holds is worked out once."""

    def __init__(self, wanted: Mapping[str, float]) -> None:
        self._finder = Finder(wanted)
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, words: Sequence[str]) -> dict[int, tuple[str, ...]]:
        """By place, for those that hold any."""
        fresh = [word for word in words if word not in self._known]
        found = self._finder.find(fresh)
        self._known |= {word: found.get(at, ()) for at, word in enumerate(fresh)}
        return {at: hits for at, word in enumerate(words) if (hits := self._known[word])}


class Wanted:
    """What one word of a piece is worth for a task."""

    def __init__(self, task: Task, rarity: Mapping[str, float]) -> None:
        self.task = task
        self.terms: dict[str, float] = {}
        for name, factor in (("title", 1.5), ("prose", 1.0), ("code", 0.8)):
            for term, weight in task.zones[name].items():
                if term in rarity:
                    self.terms[term] = self.terms.get(term, 0.0) + factor * weight * rarity[term]
        self.names = {
            name: weight * rarity.get(name, rarity.get(stem(name), 0.5)) for name, weight in task.names.items()
        }
        self.words = {whole(word) for word in task.words}
        self.frames = task.frames
        self.phrases = {pair: sum(min(self._rare(word, rarity), 8) for word in pair) for pair in task.phrases}
        self.hits = _Hits(self.terms)
        self.paired = {word for pair in self.phrases for word in pair}

    @staticmethod
    def _rare(word: str, rarity: Mapping[str, float]) -> float:
        return rarity.get(word.replace("_", ""), rarity.get(stem(word), 0.1))


def inspect(
    standing: Standing, pieces: Sequence[Piece], wanted: Wanted, lines: Sequence[int]
) -> list[dict[str, float]]:
    """For each piece: `words` (BM25 by words), `phrases`, `defines`, `framed`, `pointed` (lines the task names)."""
    words, phrases = _Words(standing, wanted), _Phrases(standing, wanted)
    rows = []
    for piece in pieces:
        first, end, chars = standing.span(piece.first, piece.last)
        name = whole(piece.name)
        own = wanted.names.get(name, 0.0)
        rows.append(
            {
                "words": words.worth(first, end),
                "phrases": phrases.worth(first, end),
                "defines": own if own else (0.6 if name and name in wanted.words else 0.0),
                "inside": wanted.names.get(whole(piece.inside), 0.0) if piece.inside else 0.0,
                "framed": float(bool(name) and name in wanted.frames),
                "pointed": float(any(piece.first <= line <= piece.last for line in lines)),
                "size": float(chars),
            }
        )
    return rows


class _Words:
    """The words of a text that the task is about, by their places."""

    def __init__(self, standing: Standing, wanted: Wanted) -> None:
        self._worth = wanted.terms
        hits = wanted.hits.of(standing.words)
        found = standing.places(hits)
        self._places = [place for place, _ in found]
        self._hits = [hits[number] for _, number in found]

    def worth(self, first: int, end: int) -> float:
        """BM25 of the words from one place up to another."""
        counts: dict[str, int] = {}
        for hits in self._hits[bisect_left(self._places, first) : bisect_left(self._places, end)]:
            for term in hits:
                counts[term] = counts.get(term, 0) + 1
        norm = _K1 * (1 - _B + _B * (end - first) / _AVERAGE)
        return sum(self._worth[term] * times * (_K1 + 1) / (times + norm) for term, times in counts.items())


class _Phrases:
    """The task's pairs of words in a text, by the places of their second words."""

    def __init__(self, standing: Standing, wanted: Wanted) -> None:
        self._worth = wanted.phrases
        words = {number: word for number, word in enumerate(standing.lower) if word in wanted.paired}
        pairs = pairwise(standing.places(words))
        near = [(place, (words[one], words[two])) for (before, one), (place, two) in pairs if place == before + 1]
        found = [(place, pair) for place, pair in near if pair in wanted.phrases]
        self._places = [place for place, _ in found]
        self._pairs = [pair for _, pair in found]

    def worth(self, first: int, end: int) -> float:
        """What the pairs are worth whose words both stand from one place up to another; each counts once."""
        pairs = self._pairs[bisect_left(self._places, first + 1) : bisect_left(self._places, end)]
        return sum(self._worth[pair] for pair in sorted(set(pairs)))
