"""Counts the words of files and finds the terms of a vocabulary, each by few calls that work on much at once."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from glmcode.context.index.words import MAX_WORDS, WORD, stem, terms

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


def find(vocabulary: Sequence[str], wanted: Collection[str]) -> dict[int, list[str]]:
    """By the place of each word that is found by wanted terms those terms."""
    wanted = frozenset(wanted)
    found = {}
    for at in {*_likely(vocabulary, wanted)}:
        if hits := [term for term in terms(vocabulary[at]) if term in wanted]:
            found[at] = hits
    return found


def _likely(vocabulary: Sequence[str], wanted: Collection[str]) -> Iterator[int]:
    """The places of the words that may be found by these terms; of those in ASCII only the ones that are."""
    text = "\n".join(vocabulary)
    if not text.isascii():
        yield from (at for at, word in enumerate(vocabulary) if not word.isascii())
        text = _only_ascii(vocabulary)
    yield from (at for at, whole in enumerate(text.replace("_", "").lower().split("\n")) if whole in wanted)
    hits = _Hits(wanted)
    at = 0
    for end in filter(None, map(hits.__getitem__, _PART.findall(text))):
        if end == "\n":
            at += 1
        else:
            yield at


class _Hits(dict[str, str]):
    """Those parts of a name whose stems are wanted; nothing for the others."""

    def __init__(self, wanted: Collection[str]) -> None:
        super().__init__({"\n": "\n"})
        self._wanted = wanted

    def __missing__(self, part: str) -> str:
        found = self[part] = part if stem(part.lower()) in self._wanted else ""
        return found


def _only_ascii(vocabulary: Sequence[str]) -> str:
    return "\n".join([word if word.isascii() else "" for word in vocabulary])
