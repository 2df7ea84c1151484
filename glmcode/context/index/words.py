"""Cuts text into the terms that tasks and files are matched by: whole names, and the stems of their parts."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

MAX_WORDS = 300_000
"""Distinct words remembered at a time, so that a repository of random data needs bounded memory."""

WORD = re.compile(r"\w{2,80}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_SUFFIXES = {
    *("izations", "ization", "ations", "ation", "ators", "ator", "ating", "ated", "ates", "ate", "izers", "izer"),
    *("izing", "ized", "izes", "ize", "ising", "ised", "ises", "ise", "ments", "ment", "ances", "ance", "ences"),
    *("ence", "ities", "ity", "iness", "ness", "ables", "able", "ibles", "ible", "ively", "ives", "ive", "ings"),
    *("ing", "ions", "ion", "ically", "ical", "ally", "als", "al", "ies", "ied", "iers", "ier", "ers", "er", "ors"),
    *("or", "edly", "ed", "es", "ly", "s", "e", "y"),
}
_MOST_SUFFIX = max(map(len, _SUFFIXES))
LEAST_STEM = 3
"""So many letters at its beginning no word loses with its ending."""


@lru_cache(maxsize=MAX_WORDS)
def stem(word: str) -> str:
    """A lower-case word without its ending, so that serialize, serializer and serializing meet.

    One suffix is cut, the longest, never below three letters; a doubled consonant before it becomes single.
    """
    for length in range(min(_MOST_SUFFIX, len(word) - LEAST_STEM), 0, -1):
        if (suffix := word[-length:]) in _SUFFIXES:
            if suffix == "s" and word[-2] in "su":
                return word
            cut = word[: -len(suffix)]
            doubled = len(cut) > LEAST_STEM and cut[-1] == cut[-2] and cut[-1] not in "aeiousl"
            return cut[:-1] if doubled else cut
    return word


def parts(word: str) -> list[str]:
    """The words that a name is made of, in lower case: `getUserIDs_2` gives get, user, ids, 2."""
    if word.islower() and (names := word.split("_")) and all(map(str.isalpha, names)) and word.isascii():
        return names  # most names by far, and the quickest to tell
    found = _PART.findall(word)
    if word.isascii():
        return [part.lower() for part in found]
    return [piece for part in found for piece in _pieces(part.lower())]


def whole(word: str) -> str:
    """A name however it is spelled: `get_user`, `getUser` and `GetUser` give getuser."""
    return word.replace("_", "").lower()


def terms(word: str) -> tuple[str, ...]:
    """What a word is found by: itself, where it is made of several parts, and the stem of each part."""
    if word.isascii() and word.isalpha() and word[1:].islower():
        return (stem(word.lower()),)  # most words by far, and the quickest to tell
    found = parts(word)
    stems = [stem(part) for part in found]
    return tuple(dict.fromkeys([whole(word), *stems] if len(found) != 1 else stems))


def _pieces(part: str) -> Iterator[str]:
    # Scripts that are written without spaces are matched by pairs of characters.
    if part.isascii() or len(part) < 3 or not any("\u3040" <= char <= "\u9fff" for char in part):
        yield part
    else:
        yield from (part[i : i + 2] for i in range(len(part) - 1))


class Terms(dict[str, tuple[str, ...]]):
    """The terms of each word, worked out when first asked for."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        found = self[word] = terms(word)
        return found

    def shrink(self) -> None:
        """Forget all where too much is remembered; only between texts."""
        if len(self) > MAX_WORDS:
            self.clear()


class TermCounter:
    """Counts the terms of texts; what each word holds is worked out once."""

    def __init__(self) -> None:
        self._terms = Terms()

    def terms(self, text: str) -> list[str]:
        """The terms of each word in the text, in order."""
        return [term for word in WORD.findall(text) for term in self._terms[word]]

    def count(self, text: str) -> tuple[dict[str, int], int]:
        """How often each term is in `text`, and the number of its words."""
        known = self._terms
        known.shrink()
        counts: dict[str, int] = {}
        words = Counter(WORD.findall(text))
        for word, times in words.items():
            for term in known[word]:
                counts[term] = counts.get(term, 0) + times
        return counts, words.total()
