"""The form in which terms and where they occur lie on disk: buckets of terms, each one block of bytes."""

import struct
from array import array
from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate, pairwise
from zlib import crc32

BUCKETS = 4096
"""So many rows hold all terms of a segment: far fewer to write than one for each term, and little to read for one."""
_HEAD = struct.Struct("<II")
"""Bytes of the names, and how many there are."""
ENTRY_BYTES = 4


def bucket_of(term: str) -> int:
    """The bucket that a term lies in."""
    return crc32(term.encode("utf-8", "surrogatepass")) % BUCKETS


def by_bucket(terms: Mapping[str, bytes]) -> Iterator[tuple[int, bytes]]:
    """The written buckets of these terms, those that hold any, in order."""
    buckets: dict[int, dict[str, bytes]] = {}
    for term, entries in terms.items():
        buckets.setdefault(bucket_of(term), {})[term] = entries
    for bucket in sorted(buckets):
        yield bucket, write(buckets[bucket])


def write(terms: Mapping[str, bytes]) -> bytes:
    """One bucket."""
    names = "\n".join(["", *terms, ""]).encode("utf-8", "surrogatepass")
    lengths = array("I", map(len, terms.values()))
    return b"".join((_HEAD.pack(len(names), len(lengths)), names, lengths.tobytes(), *terms.values()))


def find(bucket: bytes, term: str) -> bytes:
    """The entries of a term in a bucket, empty where it is not there. Raises ValueError for a damaged one."""
    names, lengths, start = _open(bucket)
    at = names.find(f"\n{term}\n".encode("utf-8", "surrogatepass"))
    if at < 0:
        return b""
    place = names.count(b"\n", 0, at)
    start += sum(lengths[:place])
    return bucket[start : start + lengths[place]]


def read(bucket: bytes) -> dict[str, bytes]:
    """All of a bucket. Raises ValueError for a damaged one."""
    names, lengths, start = _open(bucket)
    ends = accumulate(lengths, initial=start)
    terms = names.decode("utf-8", "surrogatepass").split("\n")[1:-1]
    return {term: bucket[first:last] for term, (first, last) in zip(terms, pairwise(ends), strict=True)}


def only(entries: bytes, numbers: Collection[int]) -> bytes:
    """The entries of these blobs."""
    found: array[int] = array("I")
    found.frombytes(entries)
    return array("I", [entry for entry in found if entry >> 8 in numbers]).tobytes()


def _open(bucket: bytes) -> "tuple[bytes, array[int], int]":
    if len(bucket) < _HEAD.size:
        raise ValueError("a bucket of the index is damaged")
    size, count = _HEAD.unpack_from(bucket)
    start = _HEAD.size + size
    end = start + count * ENTRY_BYTES
    lengths: array[int] = array("I")
    if end > len(bucket):
        raise ValueError("a bucket of the index is damaged")
    lengths.frombytes(bucket[start:end])
    names = bucket[_HEAD.size : start]
    if names.count(b"\n") != count + 1 or end + sum(lengths) != len(bucket) or any(n % ENTRY_BYTES for n in lengths):
        raise ValueError("a bucket of the index is damaged")
    return names, lengths, end
