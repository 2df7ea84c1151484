"""What a scan found, word by word of each file: quickly written, and searched until it is turned into postings."""

import struct
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, compress, count, pairwise

from glmcode.context.index.counting import Finder, by_term, words_of
from glmcode.context.index.postings import by_bucket

Hits = dict[str, "array[int]"]
"""By term (blob number << 8 | count) where it occurs; several entries for one blob where several words have it."""

MAX_COUNT = 255
_HEAD = struct.Struct("<III")
"""How many files and how many entries there are, and the bytes of the vocabulary."""


class Forward:
    """For each file its blob's number, the words in it and how often each of them is there."""

    def __init__(self) -> None:
        self._places: defaultdict[bytes, int] = defaultdict(count().__next__)
        self._numbers, self._sizes, self._words = array("I"), array("I"), array("I")
        self._times = bytearray()
        self._names = b""
        """The vocabulary of what was read rather than added."""

    def add(self, number: int, data: bytes) -> int:
        """Another file. Returns how many words it has."""
        counts, words = words_of(data)
        self._numbers.append(number)
        self._sizes.append(len(counts))
        self._words.extend(map(self._places.__getitem__, counts))
        try:
            self._times += bytes(counts.values())
        except ValueError:
            self._times += bytes([min(times, MAX_COUNT) for times in counts.values()])
        return words

    def write(self) -> bytes:
        """All of it as bytes."""
        names = self._vocabulary()
        head = _HEAD.pack(len(self._numbers), len(self._words), len(names))
        parts = self._numbers.tobytes(), self._sizes.tobytes(), self._words.tobytes(), bytes(self._times), names
        return b"".join((head, *parts))

    @classmethod
    def read(cls, data: bytes) -> "Forward":
        """What `write` gave. Raises ValueError for anything else."""
        if len(data) < _HEAD.size:
            raise _damaged()
        files, entries, size = _HEAD.unpack_from(data)
        ends = [*accumulate((4 * files, 4 * files, 4 * entries, entries, size), initial=_HEAD.size)]
        if ends[-1] != len(data):
            raise _damaged()
        numbers, sizes, words, times, names = (data[start:end] for start, end in pairwise(ends))
        found = cls()
        found._names = names
        for own, part in ((found._numbers, numbers), (found._sizes, sizes), (found._words, words)):
            own.frombytes(part)
        found._times += times
        if sum(found._sizes) != entries or max(found._words, default=-1) >= len(found.vocabulary):
            raise _damaged()
        return found

    @property
    def vocabulary(self) -> list[str]:
        """Every word once."""
        names = self._vocabulary()
        return names.decode("utf-8").split("\n") if names else []

    def _vocabulary(self) -> bytes:
        return self._names or b"\n".join(self._places)

    def search(self, terms: Mapping[str, Iterable[str]], found: Hits) -> None:
        """Add to what is found of each term where it occurs; `terms` has those of words."""
        names = self.vocabulary
        hits = {at: terms[names[at]] for at in compress(count(), map(terms.__contains__, names))}
        ends = [*accumulate(self._sizes)]
        file = 0
        for at in compress(count(), map(hits.__contains__, self._words)):
            while at >= ends[file]:
                file += 1
            entry = self._numbers[file] << 8 | self._times[at]
            for term in hits[self._words[at]]:
                found[term].append(entry)

    def buckets(self) -> Iterator[tuple[int, bytes]]:
        """The buckets of a segment of postings with the same entries."""
        vocabulary = self.vocabulary
        of: list[list[int]] = [[] for _ in vocabulary]
        for number, (start, end) in zip(self._numbers, pairwise(accumulate(self._sizes, initial=0)), strict=True):
            first = number << 8
            for word, times in zip(self._words[start:end], self._times[start:end], strict=True):
                of[word].append(first | times)
        entries = [array("I", found).tobytes() for found in of]
        terms = by_term(vocabulary)
        return by_bucket({term: b"".join([entries[at] for at in places]) for term, places in terms.items()})


def search(scans: Sequence[Forward], found: Hits) -> None:
    """Add to what is found of each term where it occurs."""
    vocabulary = [*dict.fromkeys(chain.from_iterable(scan.vocabulary for scan in scans))]
    terms = {vocabulary[at]: hits for at, hits in Finder(found).find(vocabulary).items()}
    for scan in scans:
        scan.search(terms, found)


def _damaged() -> ValueError:
    return ValueError("what the index has of a scan is damaged")
