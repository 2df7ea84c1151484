"""Counts the words of files and finds the terms of a vocabulary, each by few calls that work on much at once."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import compress, count

from glmcode.context.index.words import LEAST_STEM, MAX_WORDS, WORD, stem, terms

MAX_BYTES = 80
"""Longer runs of letters are several words (see WORD)."""
_LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_APART = bytes(code if code in _LETTERS or code > 127 else 32 for code in range(256))
"""Makes a space of every ASCII character that belongs to no word: both ways to cut agree there."""
_SINGLE = frozenset(bytes([code]) for code in _LETTERS)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|\n")
"""As in `words`, for ASCII; and the end of each word."""


def words_of(data: bytes) -> tuple[Counter[bytes], int]:
    """How often each word is in the text of a file, in UTF-8, and the number of its words: what WORD would find."""
    found = data.translate(_APART).split()
    counts, words = Counter(found), len(found)
    if not data.isascii() or max(map(len, counts), default=0) > MAX_BYTES:
        for run in [run for run in counts if len(run) > MAX_BYTES or not run.isascii()]:
            times = counts.pop(run)
            inside = WORD.findall(run.decode("utf-8", "replace"))
            words += times * (len(inside) - 1)
            for word in inside:
                counts[word.encode()] += times
    for single in counts.keys() & _SINGLE:
        words -= counts.pop(single)
    return counts, words


class _Stems(dict[str, str]):
    """The stem of each part of a name, worked out when first asked for."""

    def __missing__(self, part: str) -> str:
        found = self[part] = stem(part.lower())
        return found


_stems = _Stems()


def by_term(vocabulary: Sequence[str]) -> dict[str, list[int]]:
    """By term the places of the words that it finds: those that `terms` gives, for all words at once."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    text = "\n".join(vocabulary)
    if not text.isascii():
        for at, word in enumerate(vocabulary):
            if not word.isascii():
                for term in terms(word):
                    found[term].append(at)
        text = _only_ascii(vocabulary)
    wholes = text.replace("_", "").lower().split("\n")
    if len(_stems) > MAX_WORDS:
        _stems.clear()
    _stems["\n"] = "\n"
    at, own = 0, []
    for part in map(_stems.__getitem__, _PART.findall(f"{text}\n")):
        if part != "\n":
            own.append(part)
            continue
        if len(own) == 1:
            found[own[0]].append(at)
        elif own:
            for term in {wholes[at], *own}:
                found[term].append(at)
        at += 1
        own = []
    return found


class Finder(dict[str, str]):
    """Finds the words that wanted terms find. Maps parts of names to their stems where those are wanted."""

    def __init__(self, wanted: Iterable[str]) -> None:
        super().__init__({"\n": ""})
        self._wanted = frozenset(wanted) - {""}
        self._heads = {term[:LEAST_STEM] for term in self._wanted}

    def __missing__(self, part: str) -> str:
        term = ""
        if part[:LEAST_STEM].lower() in self._heads:
            term = stem(part.lower())
        found = self[part] = term if term in self._wanted else ""
        return found

    def find(self, vocabulary: Sequence[str]) -> dict[int, tuple[str, ...]]:
        """By the place of each word that is found by wanted terms those terms, in the order of `terms`."""
        text = "\n".join(vocabulary)
        apart = [] if text.isascii() else [at for at, word in enumerate(vocabulary) if not word.isascii()]
        text = _only_ascii(vocabulary) if apart else text
        parts = _PART.findall(text)
        ends = [*compress(count(), map("\n".__eq__, parts))]
        stems: dict[int, list[str]] = {}
        for place in compress(count(), map(self.__getitem__, parts)):
            stems.setdefault(bisect_left(ends, place), []).append(self[parts[place]])
        found = {at: tuple(dict.fromkeys(own)) for at, own in stems.items()}
        wholes = text.replace("_", "").lower().split("\n")
        for at in (*apart, *compress(count(), map(self._wanted.__contains__, wholes))):
            if hits := tuple(term for term in terms(vocabulary[at]) if term in self._wanted):
                found[at] = hits
        return found


def _only_ascii(vocabulary: Sequence[str]) -> str:
    return "\n".join([word if word.isascii() else "" for word in vocabulary])
