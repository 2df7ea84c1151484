"""Reads files and counts their words: which blob holds which how often. Runs in several processes."""

import hashlib
from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from glmcode.context.index.forward import Forward, Hits, search
from glmcode.context.index.kinds import READABLE, Kind, kind_by_content, kind_by_name, limit
from glmcode.context.reading import Reader

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
    number: int = 0
    """What stands for the blob in postings; 0 where its terms were not counted."""


@dataclass(slots=True)
class Batch:
    """What a scan found: the files, and the buckets of a segment, whose entries are (blob number << 8 | count).

    A term may have several entries for one blob: one for each word that it is found by.
    """

    files: list[Scanned] = field(default_factory=list)
    buckets: list[tuple[int, bytes]] = field(default_factory=list)
    unsettled: bytes = b""
    """In place of the buckets the same as it was found (see `forward`): that is written sooner."""
    hits: Hits = field(default_factory=dict)
    """With `unsettled` the entries of each term that is wanted at once."""


def blob_hash(data: bytes) -> str:
    """The name that git gives to this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def scan(
    root: int, paths: Iterable[Seen], known: set[str], number: int, settle: bool, terms: Collection[str] = ()
) -> Batch:
    """Read the files below the descriptor `root`, and count their words but for `known` hashes; what is read is added.

    The blobs are numbered from `number` on, one for each path. What is not settled is searched for `terms`.
    """
    batch = Batch()
    found = Forward()
    with Reader(root) as reader:
        for at, (path, mtime, size) in enumerate(paths, number):
            kind, data = _read(reader, path)
            file = Scanned(path, kind, size, mtime, "" if data is None else blob_hash(data))
            batch.files.append(file)
            if data is None or file.hash in known:
                continue
            known.add(file.hash)
            file.number = at
            file.words = found.add(at, data)
    if settle:
        batch.buckets = list(found.buckets())
    else:
        batch.unsettled = found.write()
        batch.hits = {term: array("I") for term in terms}
        search([found], batch.hits)
    return batch


def _read(reader: Reader, path: str) -> tuple[Kind, bytes | None]:
    kind = kind_by_name(path)
    if kind not in READABLE:
        return kind, None
    most = limit(path, kind)
    found = reader.read(path, most + 1)
    if found is None:
        return "other", None
    data = found[0]
    if len(data) > most:
        return "large", None
    kind = kind_by_content(data, kind)
    return kind, data if kind in READABLE else None
