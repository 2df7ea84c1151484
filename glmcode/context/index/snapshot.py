"""Brings the index up to date with a working tree and answers which files hold a term."""

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glmcode.context.files import open_root
from glmcode.context.index.kinds import READABLE, Kind, kind_by_name
from glmcode.context.index.scan import Scanned, Seen
from glmcode.context.index.store import MAX_SEGMENTS, FileRow, Store
from glmcode.context.index.workers import scanner

OnProgress = Callable[[int, int], None]
"""Told how many files of how many are read."""
CHUNK_FILES = 4000
"""So many files are read before what is known of them is written, so that memory stays bounded."""
NOT_YET = "not indexed yet"
RACY_NS = 2_000_000_000
"""A file changed so shortly before the scan may change again without a new time: it is read again."""


def no_progress(done: int, of: int) -> None:
    """For callers who do not want to be told."""


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
    fresh: list[File] = field(default_factory=list)
    """Those of them that are readable."""
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
        counts: dict[int, int] = {}
        for entry in self.store.postings(term):
            if entry >> 8 in by_blob:
                counts[entry >> 8] = counts.get(entry >> 8, 0) + (entry & 255)
        for blob, times in counts.items():
            for path in by_blob[blob]:
                yield path, times


def take_snapshot(
    store: Store, repo: Path, paths: Sequence[str], limit_s: float | None = None, on_progress: OnProgress = no_progress
) -> Snapshot:
    """Read what changed since the index last saw this folder, and only that.

    After `limit_s` seconds no more is read: the rest is left out as NOT_YET. What was read stays in the index.
    """
    root_name = os.path.realpath(repo)
    before = store.files(root_name)
    rows: dict[str, FileRow] = {}
    changed: list[Seen] = []
    for path, status in _statuses(repo, paths):
        old = before.get(path)
        if old is not None and old[1:3] == (status.st_mtime_ns, status.st_size):
            rows[path] = old
        else:
            changed.append((path, status.st_mtime_ns, status.st_size))
    known = store.blobs()
    fresh: dict[str, FileRow] = {}
    if changed:
        fresh = _scan(store, repo, changed, set(known), limit_s, on_progress)
        known = store.blobs()
    late = {path for path, _, _ in changed if path not in fresh}
    left = [old for path, old in before.items() if path not in rows and path not in late]
    if left:
        with store.writing():
            store.set_files(root_name, [], [old[0] for old in left if old[0] not in fresh])
            store.mark_left([old[4] for old in left if old[4]], int(time.time()))
    return _snapshot(store, paths, rows | fresh, known, late, fresh)


def _scan(
    store: Store, repo: Path, changed: list[Seen], known: set[str], limit_s: float | None, on_progress: OnProgress
) -> dict[str, FileRow]:
    """The rows of what was read, written part by part, so that a scan that ends early was not for nothing."""
    root_name = os.path.realpath(repo)
    began, began_ns = time.monotonic(), time.time_ns()
    fresh: dict[str, FileRow] = {}
    if len(changed) > CHUNK_FILES:
        changed.sort(key=lambda seen: (kind_by_name(seen[0]) != "source", seen[0]))
    with open_root(repo) as root, scanner(root, repo, len(changed), known) as scanning:
        for start in range(0, len(changed), CHUNK_FILES):
            on_progress(len(fresh), len(changed))
            if limit_s is not None and time.monotonic() - began >= limit_s:
                return fresh
            chunk = changed[start : start + CHUNK_FILES]
            with store.writing():
                number = store.reserve(len(chunk))
            batches = scanning.scan(chunk, number, _beyond(len(fresh), len(changed), on_progress))
            with store.writing():
                for batch in batches:
                    store.add_blobs((file.number, file.hash, file.words) for file in batch.files if file.number)
                    store.add_buckets(batch.buckets)
                found = [_row(file, began_ns) for batch in batches for file in batch.files]
                store.set_files(root_name, found, [])
                if store.segments() > MAX_SEGMENTS:
                    store.merge_segments()
            fresh |= {row[0]: row for row in found}
    on_progress(len(fresh), len(changed))
    return fresh


def _beyond(done: int, of: int, on_progress: OnProgress) -> Callable[[int], None]:
    return lambda count: on_progress(done + count, of)


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


def _snapshot(
    store: Store,
    paths: Sequence[str],
    rows: Mapping[str, FileRow],
    known: Mapping[str, tuple[int, int]],
    late: Collection[str],
    fresh: Mapping[str, FileRow],
) -> Snapshot:
    files = {}
    left_out = {}
    for path in paths:
        row = rows.get(path)
        if row is None:
            left_out[path] = NOT_YET if path in late else "not a regular file"
            continue
        _, _, size, kind, hash = row
        if kind in READABLE and hash in known:
            blob, words = known[hash]
            files[path] = File(path, kind, hash, blob, words, size)
        else:
            left_out[path] = kind
    return Snapshot(store, files, left_out, len(fresh), [files[path] for path in fresh if path in files])


def reasons(left_out: Mapping[str, str]) -> dict[str, int]:
    """How many files each reason keeps out."""
    return dict(sorted(Counter(left_out.values()).items()))
