"""Where the words of a text stand, kept for each blob: a task's words are looked up instead of read again."""

import re
import struct
from array import array
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from itertools import accumulate, compress, count, pairwise
from operator import not_

from glmcode.context.index.store import Store
from glmcode.context.index.words import WORD

_HEAD = struct.Struct("<ccIII")
"""Version, type of the numbers, lines, places, and the bytes of all words."""
_TOKEN = re.compile(rf"{WORD.pattern}|\n")
_VERSION = b"3"
_SHORT, _LONG = b"H", b"I"
_MOST_SHORT = 65_535


class Standing:
    """The words of one text by their places: the first word has place 0, and those of a line follow one another."""

    def __init__(self, data: bytes) -> None:
        """Of what `write` gave. Raises ValueError for anything else."""
        if len(data) < _HEAD.size:
            raise _damaged()
        version, kind, lines, places, size = _HEAD.unpack_from(data)
        if version != _VERSION or kind not in (_SHORT, _LONG):
            raise _damaged()
        numbers: array[int] = array(kind.decode())
        numbers.frombytes(data[_HEAD.size + size :])
        ends = [*accumulate((lines + 1, lines + 1, places), initial=0)]
        self._starts, self._chars, self._words = (numbers[first:end] for first, end in pairwise(ends))
        text = data[_HEAD.size : _HEAD.size + size].decode("utf-8", "surrogatepass")
        self.words = text.split("\n")
        """Each once, by its number; 0 is none."""
        self.lower = text.lower().split("\n")
        if len(numbers) != ends[-1] or self._starts[-1] != places or max(self._words, default=0) >= len(self.words):
            raise _damaged()

    def places(self, numbers: Container[int]) -> list[tuple[int, int]]:
        """Where words with these numbers stand, in order, with their numbers."""
        words = self._words
        return [(place, words[place]) for place in compress(count(), map(numbers.__contains__, words))]

    def span(self, first: int, last: int) -> tuple[int, int, int]:
        """Of lines, counted from 1, both included: the place of the first word, that after the last, the characters."""
        lines = len(self._starts) - 1
        first, last = min(first - 1, lines), min(last, lines)
        chars = self._chars[last] - self._chars[first] + max(0, last - first - 1)
        return self._starts[first], self._starts[last], chars


def _damaged() -> ValueError:
    return ValueError("what the index has of a text's words is damaged")


def write(text: str) -> bytes:
    """The words of `text` by their places; lines as `split("\\n")` cuts them."""
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    end = numbers["\n"]
    tokens = [*map(numbers.__getitem__, _TOKEN.findall(text))]
    assert end == 0, "what is no word has no place"
    # Before the end of a line stand the ends of those before it, which are no words.
    starts = [place - line for line, place in enumerate(compress(count(), map(not_, tokens)))]
    places = len(tokens) - len(starts)
    # The numbers are places, words or sums of lengths, so none is higher than the characters.
    kind = _SHORT if len(text) <= _MOST_SHORT else _LONG
    written = array(kind.decode(), [0, *starts, places])
    written.extend(accumulate(map(len, text.split("\n")), initial=0))
    written.extend(compress(tokens, tokens))
    names = "\n".join(["", *list(numbers)[1:]]).encode("utf-8", "surrogatepass")
    return _HEAD.pack(_VERSION, kind, len(starts) + 1, places, len(names)) + names + written.tobytes()


def standing_by_path(
    store: Store, hashes: Mapping[str, str], texts: Mapping[str, str]
) -> Iterator[tuple[str, Standing]]:
    """Where the words of these texts stand, by path: from the index by blob hash, or worked out and then kept there."""
    fresh: dict[str, bytes] = {}
    kept = store.details([f"words:{hash}" for hash in hashes.values()])
    for path, text in texts.items():
        key = f"words:{hashes[path]}"
        data = kept.get(key) or fresh.get(key)
        if data is None:
            data = fresh[key] = write(text)
        yield path, Standing(data)
    if fresh:
        with store.writing():
            store.set_details(fresh.items())
