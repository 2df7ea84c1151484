"""Looks closely at the likely files: their pieces, and which of the others they import."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from glmcode.context.index.pieces import Piece
from glmcode.context.index.standing import Standing, write
from glmcode.context.ranking.closely import Wanted, inspect
from glmcode.context.ranking.gather import Evidence, relative
from glmcode.context.ranking.links import Import, Modules, along, imports_of
from glmcode.context.ranking.task import Task

MAX_IMPORTING = 60
"""Of so many of the likely files the imports are read."""


@dataclass(slots=True)
class Close:
    """One likely file seen closely: its pieces, and for each the evidence in it."""

    path: str
    pieces: list[Piece]
    rows: list[dict[str, float]]


def read_imports(texts: Mapping[str, str]) -> dict[str, Sequence[Import]]:
    """What each of these texts imports."""
    return {path: imports_of(text) for path, text in texts.items()}


def read_standing(texts: Mapping[str, str]) -> Iterator[tuple[str, Standing]]:
    """Where the words of each of these texts stand."""
    for path, text in texts.items():
        yield path, Standing(write(text))


def look_closer(
    task: Task,
    evidence: Evidence,
    paths: Sequence[str],
    read: Callable[[str], tuple[str, list[Piece]] | None],
    imports: Callable[[Mapping[str, str]], Mapping[str, Sequence[Import]]] = read_imports,
    standing: Callable[[Mapping[str, str]], Iterable[tuple[str, Standing]]] = read_standing,
) -> dict[str, Close]:
    """The pieces of these files with their words, names and phrases; adds columns for the files.

    `read` gives a file's text and pieces, or None where it cannot be read any more; `imports` what the files import,
    and `standing` where their words stand, both from their texts by path and in their order.
    """
    found: dict[str, Close] = {}
    wanted = Wanted(task, evidence.lexical.rarity)
    got = {path: one for path in paths if (one := read(path)) is not None}
    texts = {path: text for path, (text, _) in got.items()}
    for path, words in standing(texts):
        pieces = got[path][1]
        lines = evidence.mentions[path][1] if path in evidence.mentions else ()
        found[path] = Close(path, pieces, inspect(words, pieces, wanted, lines))
    importing = {path: texts[path] for path in itertools.islice(texts, MAX_IMPORTING)}
    columns = evidence.columns
    for name in ("words", "phrases", "defines", "framed"):
        columns[f"best_{name}"] = {
            path: max((row[name] for row in one.rows), default=0.0) for path, one in found.items()
        }
    columns["defines"] = {path: sum(row["defines"] for row in one.rows) for path, one in found.items()}
    columns["phrases"] = {path: sum(row["phrases"] for row in one.rows) for path, one in found.items()}
    modules = Modules(columns["rough"])
    resolved = {path: modules.resolved(path, named) for path, named in imports(importing).items()}
    rough = relative(columns["rough"])
    top = {path: rough.get(path, 0.0) ** 3 for path in paths[:25]}
    columns["imported"], columns["importing"] = along(resolved, top)
    return found
