"""The files and symbols of a repository that a prompt can mention, listed in a thread and kept for a while."""

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path, PurePosixPath

from glmcode.tui.fuzzy import Match, match, ranked, sieve
from glmcode.tui.prompt.completion import Mention
from glmcode.tui.texts import text

FRESH_S = 5.0
"""A list older than this is read anew, while the old one still answers."""
MAX_MENTIONS = 30
MIN_SYMBOL_QUERY = 2
"""With fewer letters symbols would be noise among the files."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something the index saw defined."""

    name: str
    inside: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Names:
    """What a repository has to mention."""

    paths: tuple[str, ...] = ()
    symbols: tuple[Symbol, ...] = ()


class RepositoryMentions:
    """A `MentionSource` over git's files and, where there is one, the index of the repository."""

    def __init__(self, repo: Path) -> None:
        self._repo = repo
        self._names: Names | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def __call__(self, query: str) -> Sequence[Mention]:
        """The best for `query`; an empty one gives the first files. A repository that cannot be listed has none."""
        found = await asyncio.to_thread(best_mentions, query, await self._listed())
        if not found and (reading := self._reading) is not None:
            # It may be new: what is being read may have it.
            await asyncio.shield(reading)
            found = await asyncio.to_thread(best_mentions, query, self._names or Names())
        return found

    async def files(self, query: str) -> Sequence[str]:
        """The paths of files alone, in the same way."""
        return await asyncio.to_thread(best_paths, query, await self._listed())

    async def _listed(self) -> Names:
        if self._reading is None and (self._names is None or time.monotonic() - self._read_at > FRESH_S):
            self._reading = asyncio.create_task(self._read())
        if self._names is None and self._reading is not None:
            # Shielded: who asks is cancelled by the next letter, and the list must come all the same.
            await asyncio.shield(self._reading)
        return self._names or Names()

    async def _read(self) -> None:
        try:
            self._names = await asyncio.to_thread(read_names, self._repo)
            self._read_at = time.monotonic()
        finally:
            self._reading = None


def read_names(repo: Path) -> Names:
    """List the repository. Blocks."""
    from glmcode.context.files import ContextError, list_files

    try:
        paths = list_files(repo)
    except ContextError:
        return Names()
    # Short ones first: where several match equally well, the one near the top is meant more often.
    paths.sort(key=lambda path: (path.count("/"), path))
    return Names(tuple(paths), tuple(_symbols(repo, frozenset(paths))))


def best_paths(query: str, names: Names) -> list[str]:
    """Files that match, best first. Blocks: there may be very many."""
    if not query:
        return [*names.paths[:MAX_MENTIONS]]
    return [path for path, _ in ranked(query, sieve(query, names.paths), str, MAX_MENTIONS)]


def best_mentions(query: str, names: Names) -> list[Mention]:
    """Files and symbols that match, best first. Blocks: there may be very many."""
    if not query:
        return [_file(path) for path in names.paths[:MAX_MENTIONS]]
    files = ranked(query, sieve(query, names.paths), str, MAX_MENTIONS)
    found: list[tuple[Mention, Match]] = [(_file(path), hit) for path, hit in files]
    if len(query) >= MIN_SYMBOL_QUERY:
        hits = {name: match(query, name) for name in sieve(query, {one.name for one in names.symbols})}
        matching = [(one, hit) for one in names.symbols if (hit := hits.get(one.name)) is not None]
        best = nlargest(MAX_MENTIONS, matching, key=lambda pair: pair[1].score)
        found += [(_symbol(one), hit) for one, hit in best]
    found.sort(key=lambda pair: -pair[1].score)
    return [mention for mention, _ in found[:MAX_MENTIONS]]


def _file(path: str) -> Mention:
    pure = PurePosixPath(path)
    parent = "" if str(pure.parent) == "." else f"{pure.parent}/"
    return Mention(pure.name, parent, f'@"{path}"' if any(c.isspace() for c in path) else f"@{path}")


def _symbol(symbol: Symbol) -> Mention:
    where = f"{symbol.path}:{symbol.line}"
    inside = text("mentions.inside", where=where, inside=symbol.inside) if symbol.inside else where
    return Mention(symbol.name, inside, f"{symbol.name} ({where})")


def _symbols(repo: Path, paths: frozenset[str]) -> list[Symbol]:
    """What the index holds of these files; it is never built here, and nothing it holds is needed."""
    from glmcode.context.files import can_be_shown
    from glmcode.context.index.place import index_file
    from glmcode.context.index.store import open_store

    try:
        if not (file := index_file(repo)).is_file():
            return []
        with open_store(file) as store:
            files = [file for path, file in store.files(os.path.realpath(repo)).items() if path in paths]
            details = store.details([f"pieces:{file.hash}" for file in files])
    except (OSError, sqlite3.Error):
        return []
    found: dict[tuple[str, str, str], Symbol] = {}
    for path, _, hash, *_ in files:
        for first, _, name, inside in json.loads(details.get(f"pieces:{hash}", b"[]")):
            if name and can_be_shown(name):
                # A long function has several pieces; the first of them is where it begins.
                found.setdefault((name, inside, path), Symbol(name, inside, path, first))
    return list(found.values())
