"""The tokens in each line of files, counted once for each blob and kept in the index."""

import zlib
from array import array
from itertools import accumulate

from glmcode.context.index.store import Store


class LineCounts:
    """Line counts by blob hash; `keep` writes what was counted since into the index."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted: dict[str, bytes] = {}

    def sums(self, hash: str, text: str) -> list[int]:
        """The tokens before each line of the blob's text, and in all of it: one more than there are lines."""
        return [0, *accumulate(self._count(f"tokens:{hash}", text))]

    def _count(self, key: str, text: str) -> "array[int]":
        counts: array[int] = array("I")
        kept = self._counted.get(key) or self._store.details([key]).get(key)
        if kept:
            counts.frombytes(zlib.decompress(kept))
            return counts
        from glmcode_engine.line_tokens import line_tokens

        counts.extend(line_tokens(text))
        self._counted[key] = zlib.compress(counts.tobytes(), 1)
        return counts

    def keep(self) -> None:
        """Write what was counted into the index."""
        if self._counted:
            with self._store.writing():
                self._store.set_details(self._counted.items())
            self._counted = {}
