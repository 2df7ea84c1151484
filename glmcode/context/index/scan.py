"""Reads files and turns them into postings: which blob holds which term how often. Runs in several processes."""

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from glmcode.context.index.kinds import READABLE, Kind, kind_by_content, kind_by_name, limit
from glmcode.context.index.postings import by_bucket
from glmcode.context.index.words import WORD, Terms
from glmcode.context.reading import Reader

MAX_COUNT = 255
Found = defaultdict[str, list[int]]
"""Each word with its entries."""

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


def blob_hash(data: bytes) -> str:
    """The name that git gives to this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def scan(root: int, paths: Iterable[Seen], known: set[str], terms: Terms, number: int) -> Batch:
    """Read the files below the descriptor `root`, and count their terms but for `known` hashes; what is read is added.

    The blobs are numbered from `number` on, one for each path.
    """
    batch = Batch()
    found: Found = defaultdict(list)
    with Reader(root) as reader:
        for at, (path, mtime, size) in enumerate(paths, number):
            kind, data = _read(reader, path)
            file = Scanned(path, kind, size, mtime, "" if data is None else blob_hash(data))
            batch.files.append(file)
            if data is None or file.hash in known:
                continue
            known.add(file.hash)
            file.number = at
            file.words = _count(data.decode("utf-8", "replace"), at << 8, found)
    batch.buckets = list(by_bucket(_by_term(found, terms)))
    return batch


def _count(text: str, entry: int, found: Found) -> int:
    words = WORD.findall(text)
    for word, times in Counter(words).items():
        found[word].append(entry | (times if times < MAX_COUNT else MAX_COUNT))
    return len(words)


def _by_term(found: Found, terms: Terms) -> dict[str, bytes]:
    entries: dict[str, list[bytes]] = {}
    for word, posting in found.items():
        data = array("I", posting).tobytes()
        for term in terms[word]:
            entries.setdefault(term, []).append(data)
    terms.shrink()
    return {term: b"".join(parts) for term, parts in entries.items()}


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
