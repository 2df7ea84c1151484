"""Where the words and terms of a text stand, kept for each blob: a task's words are looked up instead of read again."""

import struct
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain

from glmcode.context.index.store import Store
from glmcode.context.index.words import WORD, Terms

_HEAD = struct.Struct("<ccIIIII")
"""Version, type of the numbers, words, terms, lines, and the bytes of all words and all terms."""
_VERSION = b"2"
_SHORT, _LONG = b"H", b"I"
_MOST_SHORT = 65_535


class Standing:
    """The words of one text by their places: the first word has place 0, and those of a line follow one another."""

    def __init__(self, data: bytes) -> None:
        """Of what `write` gave. Raises ValueError for anything else."""
        if len(data) < _HEAD.size:
            raise ValueError("what the index has of a text's words is damaged")
        version, kind, words, terms, lines, word_bytes, term_bytes = _HEAD.unpack_from(data)
        if version != _VERSION or kind not in (_SHORT, _LONG):
            raise ValueError("what the index has of a text's words is damaged")
        names = _HEAD.size + word_bytes
        numbers: array[int] = array(kind.decode())
        numbers.frombytes(data[names + term_bytes :])
        text = data[_HEAD.size : names].decode("utf-8", "surrogatepass")
        self.words = text.split("\n")
        self.lower = text.lower().split("\n")
        self.terms = data[names : names + term_bytes].decode("utf-8", "surrogatepass").split("\n")
        cuts = [*accumulate((words + 1, terms + 1, lines + 1, lines + 1))]
        self._word_ends, self._term_ends = numbers[: cuts[0]], numbers[cuts[0] : cuts[1]]
        self._starts, self._chars = numbers[cuts[1] : cuts[2]], numbers[cuts[2] : cuts[3]]
        self._places = numbers[cuts[3] : cuts[3] + self._word_ends[-1]]
        self._holders = numbers[cuts[3] + self._word_ends[-1] :]
        if len(numbers) < cuts[3] or len(self._holders) != self._term_ends[-1]:
            raise ValueError("what the index has of a text's words is damaged")

    def places(self, word: int) -> "array[int]":
        """Where the word with this number in `words` stands, in order."""
        return self._places[self._word_ends[word] : self._word_ends[word + 1]]

    def holding(self, terms: Mapping[str, object]) -> set[int]:
        """The numbers of the words that are found by any of these terms."""
        ends = self._term_ends
        there = (self.terms.index(term) for term in terms.keys() & self.terms)
        return {word for at in there for word in self._holders[ends[at] : ends[at + 1]]}

    def span(self, first: int, last: int) -> tuple[int, int, int]:
        """Of lines, counted from 1, both included: the place of the first word, that after the last, the characters."""
        lines = len(self._starts) - 1
        first, last = min(first - 1, lines), min(last, lines)
        chars = self._chars[last] - self._chars[first] + max(0, last - first - 1)
        return self._starts[first], self._starts[last], chars


def write(text: str, terms: Mapping[str, Sequence[str]]) -> bytes:
    """The words of `text` by their places, with what each is found by; lines as `split("\\n")` cuts them."""
    lines = text.split("\n")
    found = [WORD.findall(line) for line in lines]
    places: defaultdict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(chain.from_iterable(found)):
        places[word].append(at)
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for number, word in enumerate(places):
        for term in terms[word]:
            holders[term].append(number)
    # The numbers are places or sums of lengths, so none is higher than the characters or the words with their terms.
    short = max(len(text), sum(map(len, holders.values()))) <= _MOST_SHORT
    numbers = array("H" if short else "I")
    for counts in (map(len, places.values()), map(len, holders.values()), map(len, found), map(len, lines)):
        numbers.extend(accumulate(counts, initial=0))
    for each in chain(places.values(), holders.values()):
        numbers.extend(each)
    names = "\n".join(places).encode("utf-8", "surrogatepass")
    keys = "\n".join(holders).encode("utf-8", "surrogatepass")
    kind = _SHORT if short else _LONG
    head = _HEAD.pack(_VERSION, kind, len(places), len(holders), len(lines), len(names), len(keys))
    return b"".join((head, names, keys, numbers.tobytes()))


def standing_by_path(
    store: Store, hashes: Mapping[str, str], texts: Mapping[str, str]
) -> Iterator[tuple[str, Standing]]:
    """Where the words of these texts stand, by path: from the index by blob hash, or worked out and then kept there."""
    terms = Terms()
    fresh: dict[str, bytes] = {}
    kept = store.details([f"words:{hash}" for hash in hashes.values()])
    for path, text in texts.items():
        key = f"words:{hashes[path]}"
        data = kept.get(key) or fresh.get(key)
        if data is None:
            terms.shrink()
            data = fresh[key] = write(text, terms)
        yield path, Standing(data)
    if fresh:
        with store.writing():
            store.set_details(fresh.items())
