"""The index on disk: one SQLite file a repository, shared by its worktrees and branches, safe to throw away."""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

VERSION = 1
BUSY_S = 20.0
MAX_SEGMENTS = 24
"""So many scans write postings of their own; then they are put together."""

_SCHEMA = """
CREATE TABLE blob (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, words INTEGER NOT NULL);
CREATE TABLE posting (term TEXT, segment INTEGER, docs BLOB, PRIMARY KEY (term, segment)) WITHOUT ROWID;
CREATE TABLE segment (id INTEGER PRIMARY KEY);
CREATE TABLE file (root TEXT, path TEXT, mtime INTEGER, size INTEGER, kind TEXT, hash TEXT, PRIMARY KEY (root, path))
    WITHOUT ROWID;
CREATE TABLE detail (hash TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE history (name TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
"""

FileRow = tuple[str, int, int, str, str]
"""Path, modification time in nanoseconds, size in bytes, kind, blob hash or nothing."""


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

    def files(self, root: str) -> dict[str, FileRow]:
        rows = self._db.execute("SELECT path, mtime, size, kind, hash FROM file WHERE root=?", (root,))
        return {row[0]: row for row in rows}

    def set_files(self, root: str, changed: Iterable[FileRow], gone: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM file WHERE root=? AND path=?", ((root, path) for path in gone))
        self._db.executemany("INSERT OR REPLACE INTO file VALUES (?,?,?,?,?,?)", ((root, *row) for row in changed))

    def blobs(self) -> dict[str, tuple[int, int]]:
        """Of every blob whose terms are known: its number and how many words it has."""
        return {hash: (id, words) for id, hash, words in self._db.execute("SELECT id, hash, words FROM blob")}

    def add_blobs(self, blobs: Iterable[tuple[str, int]]) -> dict[str, int]:
        """Number the blobs, given as hash and words; those already known are not in the answer."""
        numbers = {}
        for hash, words in blobs:
            added = self._db.execute("INSERT OR IGNORE INTO blob (hash, words) VALUES (?,?)", (hash, words))
            if added.rowcount and added.lastrowid is not None:
                numbers[hash] = added.lastrowid
        return numbers

    def add_postings(self, postings: Iterable[tuple[str, "array[int]"]]) -> None:
        """A new segment. The arrays hold (blob number << 8 | count)."""
        segment = self._db.execute("INSERT INTO segment DEFAULT VALUES").lastrowid
        rows = ((term, segment, docs.tobytes()) for term, docs in postings if docs)
        self._db.executemany("INSERT INTO posting VALUES (?,?,?)", rows)

    def segments(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM segment").fetchone()[0])

    def merge_segments(self) -> None:
        """Put all segments together, so that a term is found in one place."""
        run = self._db.execute
        (first,) = run("SELECT min(id) FROM segment").fetchone()
        merged: dict[str, bytes] = {}
        for term, docs in run("SELECT term, docs FROM posting WHERE segment != ? ORDER BY term, segment", (first,)):
            merged[term] = merged.get(term, b"") + docs
        run("DELETE FROM posting WHERE segment != ?", (first,))
        old = {term: docs for term in merged for docs in self._docs(term)}
        rows = ((term, first, old.get(term, b"") + docs) for term, docs in merged.items())
        self._db.executemany("INSERT OR REPLACE INTO posting VALUES (?,?,?)", rows)
        run("DELETE FROM segment WHERE id != ?", (first,))

    def _docs(self, term: str) -> list[bytes]:
        return [row[0] for row in self._db.execute("SELECT docs FROM posting WHERE term=? ORDER BY segment", (term,))]

    def postings(self, term: str) -> "array[int]":
        """(blob number << 8 | count) of every blob that holds the term, also of blobs no longer in the repository."""
        found: array[int] = array("I")
        for docs in self._docs(term):
            found.frombytes(docs)
        return found

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
