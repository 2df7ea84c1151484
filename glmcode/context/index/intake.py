"""Reads files into the index, part by part: what was read until it is stopped stays there."""

import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glmcode.context.index.forward import Hits
from glmcode.context.index.kinds import kind_by_name
from glmcode.context.index.scan import Batch, Scanned, Seen
from glmcode.context.index.store import File, Store
from glmcode.context.index.workers import MIN_FILES, scanner
from glmcode.context.reading import open_root

OnProgress = Callable[[int, int], None]
"""Told how many files of how many are read."""
CHUNK_FILES = 4000
"""So many files are read before what is known of them is written, so that memory stays bounded."""
MAX_UNSETTLED_FILES = 8000
"""So many files are written as they were found, to be settled later."""
MAX_UNSETTLED = 8
"""With more scans than this waiting to be settled the next one is settled at once."""
RACY_NS = 2_000_000_000
"""A file changed so shortly before the scan may change again without a new time: it is read again."""


@dataclass(slots=True)
class Intake:
    """One time of reading files of a folder."""

    store: Store
    repo: Path
    limit_s: float | None
    """After so many seconds no further part is read."""
    on_progress: OnProgress
    terms: Collection[str]
    """What is looked for at once where a scan is not settled."""
    fresh: dict[str, File] = field(default_factory=dict)
    """The rows of what was read."""
    searched: dict[int, Hits] = field(default_factory=dict)
    """What was found of the terms, by the number of the scan."""

    def read(self, files: list[Seen]) -> None:
        """Read these files, each part in a transaction of its own."""
        store, began, began_ns = self.store, time.monotonic(), time.time_ns()
        # What is written as it was found is searched more slowly: not where it is much, nor where nobody settles it.
        settle = not MIN_FILES <= len(files) <= MAX_UNSETTLED_FILES or len(store.unsettled()) > MAX_UNSETTLED
        # What somebody waits for is one part, as far as memory allows: each is searched by itself.
        size = MAX_UNSETTLED_FILES if self.terms and not settle else CHUNK_FILES
        if len(files) > size:
            files.sort(key=lambda seen: (kind_by_name(seen[0]) != "source", seen[0]))
        known = set(store.blobs()) if len(files) >= MIN_FILES else _Known(store)
        with open_root(self.repo) as root, scanner(root, self.repo, len(files), known, self.terms) as scanning:
            for start in range(0, len(files), size):
                self.on_progress(len(self.fresh), len(files))
                if self.limit_s is not None and time.monotonic() - began >= self.limit_s:
                    return
                chunk = files[start : start + size]
                with store.writing():
                    number = store.reserve(len(chunk))
                batches = scanning.scan(chunk, number, settle, self._beyond(len(self.fresh), len(files)))
                with store.writing():
                    self._write(batches, settle, began_ns)
        self.on_progress(len(self.fresh), len(files))

    def _beyond(self, done: int, of: int) -> Callable[[int], None]:
        return lambda count: self.on_progress(done + count, of)

    def _write(self, batches: Sequence[Batch], settle: bool, began_ns: int) -> None:
        store = self.store
        for batch in batches:
            store.add_blobs((file.number, file.hash, file.words) for file in batch.files if file.number)
            if settle:
                store.add_buckets(batch.buckets)
            else:
                self.searched[store.add_unsettled(batch.unsettled)] = batch.hits
        seen = [file for batch in batches for file in batch.files]
        numbers = store.blobs().get if len(seen) >= MIN_FILES else store.blob
        found = [_file(file, numbers, began_ns) for file in seen]
        store.set_files(os.path.realpath(self.repo), found, [])
        store.merge_many()
        self.fresh |= {file.path: file for file in found}


class _Known(set[str]):
    """The blobs whose terms are known, asked for one by one: for a few files that is quicker than to read all."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def __contains__(self, hash: object) -> bool:
        return super().__contains__(hash) or (isinstance(hash, str) and self._store.blob(hash) is not None)


def _file(seen: Scanned, numbers: Callable[[str], tuple[int, int] | None], began: int) -> File:
    counted = numbers(seen.hash) if seen.hash else None
    number, words = counted or (0, 0)
    # What another process dropped from the index meanwhile is read again.
    settled = seen.mtime < began - RACY_NS and (counted is not None or not seen.hash)
    return File(seen.path, seen.kind, seen.hash, number, words, seen.size, seen.mtime if settled else 0)
