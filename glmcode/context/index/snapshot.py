"""Brings the index up to date with a working tree and answers which files hold a term."""

import os
import stat
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glmcode.context.files import open_root
from glmcode.context.index.kinds import READABLE, Kind
from glmcode.context.index.scan import Batch, Scanned, Seen
from glmcode.context.index.store import MAX_SEGMENTS, FileRow, Store
from glmcode.context.index.workers import scan_in_processes

RACY_NS = 2_000_000_000
"""A file changed so shortly before the scan may change again without a new time: it is read again."""


@dataclass(frozen=True, slots=True)
class File:
    """One readable file of the working tree."""

    path: str
    kind: Kind
    hash: str
    blob: int
    words: int
    size: int


@dataclass(slots=True)
class Snapshot:
    """The working tree as it was indexed."""

    store: Store
    files: dict[str, File]
    left_out: dict[str, str]
    """Path to reason, of files that are not read."""
    scanned: int
    """How many files had to be read for this snapshot."""
    _by_blob: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in self.files.values():
            self._by_blob.setdefault(file.blob, []).append(file.path)

    def leave_out(self, paths: Iterable[str]) -> None:
        """Forget these files, for this snapshot alone."""
        for path in paths:
            self._by_blob[self.files.pop(path).blob].remove(path)

    def holding(self, term: str) -> Iterator[tuple[str, int]]:
        """The files that hold a term, and how often."""
        by_blob = self._by_blob
        for entry in self.store.postings(term):
            for path in by_blob.get(entry >> 8, ()):
                yield path, entry & 255


def take_snapshot(store: Store, repo: Path, paths: Sequence[str]) -> Snapshot:
    """Read what changed since the index last saw this folder, and only that."""
    root_name = os.path.realpath(repo)
    before = store.files(root_name)
    began = time.time_ns()
    rows: dict[str, FileRow] = {}
    changed: list[Seen] = []
    for path, status in _statuses(repo, paths):
        old = before.get(path)
        if old is not None and old[1:3] == (status.st_mtime_ns, status.st_size):
            rows[path] = old
        else:
            changed.append((path, status.st_mtime_ns, status.st_size))
    gone = [path for path in before if path not in rows]
    known = store.blobs() if rows or changed else {}
    if changed:
        with open_root(repo) as root:
            batches = scan_in_processes(root, repo, changed, frozenset(known))
            with store.writing():
                for batch in batches:
                    _keep(store, batch)
                fresh = [_row(file, began) for batch in batches for file in batch.files]
                store.set_files(root_name, fresh, [])
                if store.segments() > MAX_SEGMENTS:
                    store.merge_segments()
        rows |= {row[0]: row for row in fresh}
        known = store.blobs()
    if missing := [path for path in gone if path not in rows]:
        with store.writing():
            store.set_files(root_name, [], missing)
    return _snapshot(store, paths, rows, known, len(changed))


def _statuses(repo: Path, paths: Sequence[str]) -> Iterator[tuple[str, os.stat_result]]:
    prefix = f"{repo}{os.sep}"
    for path in paths:
        try:
            status = os.lstat(prefix + path)
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(status.st_mode):
            yield path, status


def _row(file: Scanned, began: int) -> FileRow:
    return file.path, file.mtime if file.mtime < began - RACY_NS else 0, file.size, file.kind, file.hash


def _keep(store: Store, batch: Batch) -> None:
    numbers = store.add_blobs({file.hash: file.words for file in batch.files if file.words or file.hash}.items())
    # Only the first of equal files was counted, and none that another process added meanwhile counts twice.
    number_at = [numbers.pop(file.hash, 0) for file in batch.files]
    store.add_postings((term, _renumbered(docs, number_at)) for term, docs in batch.postings.items())


def _renumbered(docs: "array[int]", number_at: list[int]) -> "array[int]":
    return array("I", [number_at[at >> 8] << 8 | at & 255 for at in docs if number_at[at >> 8]])


def _snapshot(
    store: Store,
    paths: Sequence[str],
    rows: Mapping[str, FileRow],
    known: Mapping[str, tuple[int, int]],
    scanned: int,
) -> Snapshot:
    files = {}
    left_out = {}
    for path in paths:
        row = rows.get(path)
        if row is None:
            left_out[path] = "not a regular file"
            continue
        _, _, size, kind, hash = row
        if kind in READABLE and hash in known:
            blob, words = known[hash]
            files[path] = File(path, kind, hash, blob, words, size)
        else:
            left_out[path] = kind
    return Snapshot(store, files, left_out, scanned)


def reasons(left_out: Mapping[str, str]) -> dict[str, int]:
    """How many files each reason keeps out."""
    return dict(sorted(Counter(left_out.values()).items()))
