"""Reads files and turns them into postings: which blob holds which term how often. Runs in several processes."""

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from glmcode.context.files import read_bytes
from glmcode.context.index.kinds import READABLE, Kind, kind_by_content, kind_by_name, limit
from glmcode.context.index.words import TermCounter

MAX_COUNT = 255


Seen = tuple[str, int, int]
"""Path, modification time in nanoseconds and size in bytes of a file that is to be read."""


@dataclass(slots=True)
class Scanned:
    """One file as it was read. `hash` is git's blob hash of what lies on disk, empty for what was not read."""

    path: str
    kind: Kind
    size: int
    mtime: int
    hash: str = ""
    words: int = 0


@dataclass(slots=True)
class Batch:
    """What a scan found: the files, and for each term an array of (position in `files` << 8 | count)."""

    files: list[Scanned] = field(default_factory=list)
    postings: dict[str, "array[int]"] = field(default_factory=dict)


def blob_hash(data: bytes) -> str:
    """The name that git gives to this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def scan(root: int, paths: Iterable[Seen], known: frozenset[str] | set[str], counter: TermCounter) -> Batch:
    """Read the files below the descriptor `root`, but no terms for `known` hashes."""
    batch = Batch()
    postings = batch.postings
    seen = set(known)
    for path, mtime, size in paths:
        kind, data = _read(root, path)
        file = Scanned(path, kind, size, mtime, "" if data is None else blob_hash(data))
        batch.files.append(file)
        if data is None or file.hash in seen:
            continue
        seen.add(file.hash)
        counts, file.words = counter.count(data.decode("utf-8", "replace"))
        position = (len(batch.files) - 1) << 8
        for term, times in counts.items():
            posting = postings.get(term)
            if posting is None:
                posting = postings[term] = array("I")
            posting.append(position | (times if times < MAX_COUNT else MAX_COUNT))
    return batch


def _read(root: int, path: str) -> tuple[Kind, bytes | None]:
    kind = kind_by_name(path)
    if kind not in READABLE:
        return kind, None
    most = limit(path, kind)
    found = read_bytes(root, path, most + 1)
    if found is None:
        return "other", None
    data = found[0]
    if len(data) > most:
        return "large", None
    kind = kind_by_content(data, kind)
    return kind, data if kind in READABLE else None
