"""Looks into the pieces of one file: the task's words, phrases and names in each."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain, pairwise

from glmcode.context.index.pieces import Piece
from glmcode.context.index.words import WORD, stem, terms, whole
from glmcode.context.ranking.task import Task

_K1, _B, _AVERAGE = 1.2, 0.5, 120


class _Hits(dict[str, tuple[str, ...]]):
    """The task's terms in each word, worked out when first asked for."""

    def __init__(self, wanted: Mapping[str, float]) -> None:
        self._wanted = wanted

    def __missing__(self, word: str) -> tuple[str, ...]:
        found = self[word] = tuple(term for term in terms(word) if term in self._wanted)
        return found


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

    @staticmethod
    def _rare(word: str, rarity: Mapping[str, float]) -> float:
        return rarity.get(word.replace("_", ""), rarity.get(stem(word), 0.1))


def inspect(text: str, pieces: Sequence[Piece], wanted: Wanted, lines: Sequence[int]) -> list[dict[str, float]]:
    """For each piece: `words` (BM25 by words), `phrases`, `defines`, `framed`, `pointed` (lines the task names)."""
    content = text.split("\n")
    rows = []
    bodies = ["\n".join(content[piece.first - 1 : piece.last]) for piece in pieces]
    words = [WORD.findall(body) for body in bodies]
    useful = {word for word in set(chain.from_iterable(words)) if wanted.hits[word]}
    for piece, body, found in zip(pieces, bodies, words, strict=True):
        pairs = set(pairwise(map(str.lower, found)))
        name = whole(piece.name)
        own = wanted.names.get(name, 0.0)
        rows.append(
            {
                "words": _words(found, useful, wanted),
                "phrases": sum(wanted.phrases[pair] for pair in sorted(pairs & wanted.phrases.keys())),
                "defines": own if own else (0.6 if name and name in wanted.words else 0.0),
                "inside": wanted.names.get(whole(piece.inside), 0.0) if piece.inside else 0.0,
                "framed": float(bool(name) and name in wanted.frames),
                "pointed": float(any(piece.first <= line <= piece.last for line in lines)),
                "size": float(len(body)),
            }
        )
    return rows


def _words(found: Sequence[str], useful: Collection[str], wanted: Wanted) -> float:
    counts: dict[str, int] = {}
    hits = wanted.hits
    for word in found:
        if word in useful:
            for term in hits[word]:
                counts[term] = counts.get(term, 0) + 1
    norm = _K1 * (1 - _B + _B * len(found) / _AVERAGE)
    return sum(wanted.terms[term] * times * (_K1 + 1) / (times + norm) for term, times in counts.items())
