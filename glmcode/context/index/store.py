"""The index on disk: one SQLite file a repository, shared by its worktrees and branches, safe to throw away."""

import sqlite3
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from glmcode.context.index import postings
from glmcode.context.index.forward import Forward, Hits, search
from glmcode.context.index.kinds import Kind

VERSION = 5
BUSY_S = 20.0
MAX_SEGMENTS = 40
"""So many scans write postings of their own; then they are put together."""
_LARGE = 4

_SCHEMA = """
CREATE TABLE blob (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, words INTEGER NOT NULL, left INTEGER DEFAULT 0);
CREATE TABLE number (next INTEGER NOT NULL);
INSERT INTO number VALUES (1);
CREATE TABLE posting (bucket INTEGER, segment INTEGER, docs BLOB, PRIMARY KEY (bucket, segment));
CREATE TABLE segment (id INTEGER PRIMARY KEY);
CREATE TABLE unsettled (id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB);
CREATE TABLE file (root TEXT, path TEXT, kind TEXT, hash TEXT, blob INTEGER, words INTEGER, size INTEGER, mtime INTEGER,
    PRIMARY KEY (root, path)) WITHOUT ROWID;
CREATE TABLE detail (hash TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE history (name TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
"""


class File(NamedTuple):
    """One file of a working tree as the index knows it."""

    path: str
    kind: Kind
    hash: str
    """Of the blob; empty for a file that is not read."""
    blob: int
    """The blob's number in the postings; 0 for a file whose terms are not counted."""
    words: int
    size: int
    """In bytes."""
    mtime: int = 0
    """In nanoseconds; 0 where the file must be read again."""


class IndexDamaged(Exception):
    """The file holds no index of this version that can be read."""


@contextmanager
def open_store(file: Path) -> Iterator["Store"]:
    """The index in `file`, made anew where it is missing, damaged or of another version.

    Raises OSError or sqlite3.Error where not even a new one can be made.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        store = Store(file)
    except (sqlite3.DatabaseError, IndexDamaged) as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise
        remove(file)
        store = Store(file)
    try:
        yield store
    finally:
        store.close()


def remove(file: Path) -> None:
    """Throw the index away. A process that still reads it keeps its own view."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{file}{suffix}").unlink()


class Store:
    """The tables, as what they mean."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        run = self._db.execute
        (version,) = run("PRAGMA user_version").fetchone()
        if version == VERSION:
            run("PRAGMA synchronous=OFF")
            return
        if version != 0 or run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise IndexDamaged
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=OFF")
        with self.writing():
            if run("PRAGMA user_version").fetchone()[0] == 0:
                for statement in _SCHEMA.split(";"):
                    run(statement)
                run(f"PRAGMA user_version={VERSION}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; other processes wait for it or read what was there before."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """What is read in here is of one moment, whatever other processes write."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(sqlite3.Error):  # what went wrong inside is what is told
                self._db.execute("COMMIT")

    def files(self, root: str) -> dict[str, File]:
        """What is known of the files of a folder, by path."""
        rows = self._db.execute("SELECT path, kind, hash, blob, words, size, mtime FROM file WHERE root=?", (root,))
        # As `File._make` does, without a call in Python for each of perhaps 100,000.
        return {file.path: file for file in map(partial(tuple.__new__, File), rows)}

    def set_files(self, root: str, changed: Iterable[File], gone: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM file WHERE root=? AND path=?", ((root, path) for path in gone))
        self._db.executemany(
            "INSERT OR REPLACE INTO file VALUES (?,?,?,?,?,?,?,?)", ((root, *file) for file in changed)
        )

    def blobs(self) -> dict[str, tuple[int, int]]:
        """Of every blob whose terms are known: its number and how many words it has."""
        return {hash: (id, words) for id, hash, words in self._db.execute("SELECT id, hash, words FROM blob")}

    def blob(self, hash: str) -> tuple[int, int] | None:
        """The same of one blob; None where its terms are not known."""
        found: tuple[int, int] | None = self._db.execute("SELECT id, words FROM blob WHERE hash=?", (hash,)).fetchone()
        return found

    def reserve(self, count: int) -> int:
        """The first of so many numbers for blobs that no other process will use."""
        run = self._db.execute
        (first,) = run("SELECT next FROM number").fetchone()
        run("UPDATE number SET next = next + ?", (count,))
        return int(first)

    def add_blobs(self, blobs: Iterable[tuple[int, str, int]]) -> None:
        """Blobs with number, hash and words. Those that another process added meanwhile keep the number they have."""
        self._db.executemany("INSERT OR IGNORE INTO blob (id, hash, words) VALUES (?,?,?)", blobs)

    def mark_left(self, hashes: Iterable[str], when: int) -> None:
        """Note that a working tree went on from these blobs, at a time in seconds."""
        self._db.executemany("UPDATE blob SET left=? WHERE hash=?", ((when, hash) for hash in hashes))

    def add_buckets(self, buckets: Iterable[tuple[int, bytes]]) -> None:
        """A new segment (see `postings`). Entries for numbers that `add_blobs` did not take count for nothing."""
        segment = self._db.execute("INSERT INTO segment DEFAULT VALUES").lastrowid
        rows = ((bucket, segment, data) for bucket, data in buckets)
        self._db.executemany("INSERT INTO posting VALUES (?,?,?)", rows)

    def add_unsettled(self, data: bytes) -> int:
        """What a scan found, before it is a segment (see `forward`). Returns its number, never used again."""
        return self._db.execute("INSERT INTO unsettled (data) VALUES (?)", (data,)).lastrowid or 0

    def unsettled(self) -> list[int]:
        """The numbers of what is no segment yet."""
        return [number for (number,) in self._db.execute("SELECT id FROM unsettled ORDER BY id")]

    def read_unsettled(self, number: int) -> bytes | None:
        """One of them; None once it is a segment."""
        row = self._db.execute("SELECT data FROM unsettled WHERE id=?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def forget_unsettled(self, number: int) -> bool:
        """Whether it was still there."""
        return self._db.execute("DELETE FROM unsettled WHERE id=?", (number,)).rowcount > 0

    def segments(self) -> int:
        """How many there are: a term is looked up in each."""
        return int(self._db.execute("SELECT count(*) FROM segment").fetchone()[0])

    def merge_segments(self, keep: Collection[int] | None = None) -> None:
        """Put the segments together: all but a first that is much larger than they are.

        With `keep` all, and only the entries of blobs with these numbers stay.
        """
        run = self._db.execute
        sizes = run("SELECT segment, sum(length(docs)) FROM posting GROUP BY segment ORDER BY segment").fetchall()
        if not sizes:
            return
        rest = sum(size for _, size in sizes[1:])
        chosen = [number for number, size in sizes[(1 if keep is None and sizes[0][1] > _LARGE * rest else 0) :]]
        least = min(chosen, default=sizes[0][0])
        for bucket in range(postings.BUCKETS):
            rows = run("SELECT docs FROM posting WHERE bucket=? AND segment>=? ORDER BY segment", (bucket, least))
            parts = [docs for (docs,) in rows]
            if not parts or (len(parts) == 1 and keep is None):
                run("UPDATE posting SET segment=? WHERE bucket=? AND segment>?", (least, bucket, least))
                continue
            merged: dict[str, list[bytes]] = {}
            for part in parts:
                for term, entries in postings.read(part).items():
                    merged.setdefault(term, []).append(entries)
            whole = {term: b"".join(found) for term, found in merged.items()}
            if keep is not None:
                whole = {term: left for term, entries in whole.items() if (left := postings.only(entries, keep))}
            run("DELETE FROM posting WHERE bucket=? AND segment>=?", (bucket, least))
            if whole:
                run("INSERT INTO posting VALUES (?,?,?)", (bucket, least, postings.write(whole)))
        run("DELETE FROM segment WHERE id>?", (least,))

    def merge_many(self) -> None:
        """Put the segments together where there are too many."""
        if self.segments() > MAX_SEGMENTS:
            self.merge_segments()

    def postings(self, terms: Collection[str], searched: Mapping[int, Hits]) -> Hits:
        """By term (blob number << 8 | count) where it occurs; also of blobs no longer in the repository, and several
        entries for one blob. `searched` has what is known to be found in what is no segment yet, by its number."""
        found: Hits = {}
        with self._reading():
            unsettled = self.unsettled()
            done = [number for number in unsettled if number in searched and searched[number].keys() >= set(terms)]
            left = [self.read_unsettled(number) for number in unsettled if number not in done]
            scans = [Forward.read(data) for data in left if data is not None]
            for term in terms:
                own = found[term] = array("I")
                rows = self._db.execute("SELECT docs FROM posting WHERE bucket=?", (postings.bucket_of(term),))
                for (docs,) in rows:
                    own.frombytes(postings.find(docs, term))
        for number in done:
            for term in terms:
                found[term].extend(searched[number][term])
        if scans:
            search(scans, found)
        return found

    def size(self) -> int:
        """The bytes in use."""
        pragmas = ("page_count", "freelist_count", "page_size")
        pages, free, each = (int(self._db.execute(f"PRAGMA {what}").fetchone()[0]) for what in pragmas)
        return (pages - free) * each

    def roots(self) -> list[str]:
        """The folders whose files are known."""
        return [root for (root,) in self._db.execute("SELECT DISTINCT root FROM file")]

    def forget_roots(self, roots: Iterable[str]) -> None:
        """Their files are known no more; what is known of the blobs stays."""
        self._db.executemany("DELETE FROM file WHERE root=?", ((root,) for root in roots))

    def unused(self) -> list[str]:
        """The blobs that no folder holds, those left longest ago first."""
        rows = self._db.execute("SELECT hash FROM blob WHERE hash NOT IN (SELECT hash FROM file) ORDER BY left, id")
        return [hash for (hash,) in rows]

    def drop(self, hashes: Sequence[str]) -> None:
        """Forget blobs, but for their postings (see `merge_segments`)."""
        self._db.executemany("DELETE FROM blob WHERE hash=?", ((hash,) for hash in hashes))
        kinds = ("pieces", "tokens", "imports", "words")
        keys = ((f"{kind}:{hash}",) for hash in hashes for kind in kinds)
        self._db.executemany("DELETE FROM detail WHERE hash=?", keys)

    def shrink(self) -> None:
        """Give free pages back, unless somebody else is at work."""
        with suppress(sqlite3.OperationalError):
            self._db.execute("VACUUM")

    def details(self, hashes: Sequence[str]) -> dict[str, bytes]:
        """What was kept of these blobs beyond their terms."""
        found = {}
        for hash in hashes:
            row = self._db.execute("SELECT data FROM detail WHERE hash=?", (hash,)).fetchone()
            if row is not None:
                found[hash] = row[0]
        return found

    def set_details(self, details: Iterable[tuple[str, bytes]]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO detail VALUES (?,?)", details)

    def history(self, name: str) -> bytes | None:
        row = self._db.execute("SELECT data FROM history WHERE name=?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_history(self, name: str, data: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO history VALUES (?,?)", (name, data))
