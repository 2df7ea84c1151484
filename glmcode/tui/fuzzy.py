"""Fuzzy matching as in file pickers: the letters of the query in their order, best where they begin words."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

Item = TypeVar("Item")

MAX_QUERY = 64
"""Letters of a query that count; nobody types more to find something."""
_BOUNDARIES = frozenset("/._- \t:,()[]{}")


@dataclass(frozen=True, slots=True)
class Match:
    """How well a text matches (the higher the better) and at which characters."""

    score: float
    positions: tuple[int, ...]


def match(query: str, text: str) -> Match | None:
    """The match of `query` in `text`, or None. Case counts for nothing, but breaks ties; spaces in `query` are skipped.

    Letters side by side, at the beginning of words and near the end of a path weigh more; long texts weigh less.
    """
    wanted = "".join(query.split())[:MAX_QUERY]
    if not wanted:
        return Match(-len(text) / 1000, ())
    if not _pattern(wanted).match(text):
        return None
    # The last part of a path is what people mean most often, so it is tried on its own first.
    name = text.rstrip("/").rfind("/") + 1
    found = [_aligned(wanted, text, start) for start in {0, name}]
    return max((one for one in found if one is not None), key=lambda one: one.score, default=None)


def ranked(query: str, items: Iterable[Item], key: Callable[[Item], str], limit: int) -> list[tuple[Item, Match]]:
    """The items that match, best first; those that match equally well stay in their order."""
    found = [(item, hit) for item in items if (hit := match(query, key(item))) is not None]
    return sorted(found, key=lambda pair: -pair[1].score)[:limit]


def sieve(query: str, texts: Iterable[str]) -> list[str]:
    """The texts that match at all, fast: for narrowing very many before they are ranked."""
    wanted = "".join(query.split())[:MAX_QUERY]
    matches = _pattern(wanted).match
    return [text for text in texts if matches(text)]


@lru_cache(maxsize=64)
def _pattern(wanted: str) -> re.Pattern[str]:
    # Each gap excludes the letter that ends it and the first one begins the text: a match never goes back.
    return re.compile("".join(f"[^{re.escape(letter)}]*{re.escape(letter)}" for letter in wanted), re.IGNORECASE)


def _aligned(wanted: str, text: str, start: int) -> Match | None:
    """Letters side by side where they are, else at the next beginning of a word, else the next that fits."""
    lower, low_wanted = _folded(text), _folded(wanted)
    whole = lower.find(low_wanted, start)
    positions = list(range(whole, whole + len(wanted))) if whole >= 0 else _greedy(low_wanted, lower, text, start)
    return Match(_score(positions, wanted, text), tuple(positions)) if positions else None


def _folded(text: str) -> str:
    """Lower case, with as many characters as before: `İ` and its like keep theirs."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(low if len(low := c.lower()) == 1 else c for c in text)


def _greedy(wanted: str, lower: str, text: str, start: int) -> Sequence[int]:
    positions: list[int] = []
    at = start
    for index, letter in enumerate(wanted):
        plain = lower.find(letter, at)
        if plain < 0:
            return ()
        word = plain
        while word >= 0 and not _begins_word(text, word):
            word = lower.find(letter, word + 1)
        follows = positions and plain == positions[-1] + 1
        rest_fits = word >= 0 and _fits(wanted[index + 1 :], lower, word + 1)
        at = (plain if follows or not rest_fits else word) + 1
        positions.append(at - 1)
    return positions


def _fits(wanted: str, lower: str, at: int) -> bool:
    for letter in wanted:
        at = lower.find(letter, at) + 1
        if not at:
            return False
    return True


def _begins_word(text: str, at: int) -> bool:
    before = text[at - 1] if at else "/"
    return before in _BOUNDARIES or (text[at].isupper() and not before.isupper())


def _score(positions: Sequence[int], wanted: str, text: str) -> float:
    name = text.rstrip("/").rfind("/") + 1
    score = 0.0
    for index, at in enumerate(positions):
        score += 1.0
        score += 0.8 * _begins_word(text, at)
        score += 1.0 * (index > 0 and positions[index - 1] == at - 1)
        score += 0.5 * (at >= name)
        score += 0.1 * (text[at] == wanted[index])
    score += 2.0 * (positions[0] == name)
    return score - len(text) / 1000
