"""Looks closely at the likely files: their pieces, and which of the others they import."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from glmcode.context.index.pieces import Piece
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


def look_closer(
    task: Task,
    evidence: Evidence,
    paths: Sequence[str],
    read: Callable[[str], tuple[str, list[Piece]] | None],
    imports: Callable[[Mapping[str, str]], Mapping[str, Sequence[Import]]] = read_imports,
) -> dict[str, Close]:
    """The pieces of these files with their words, names and phrases; adds columns for the files.

    `read` gives a file's text and pieces, or None where it cannot be read any more; `imports` what the files import,
    from their texts by path.
    """
    found: dict[str, Close] = {}
    importing: dict[str, str] = {}
    wanted = Wanted(task, evidence.lexical.rarity)
    for path in paths:
        if (got := read(path)) is None:
            continue
        text, pieces = got
        lines = evidence.mentions[path][1] if path in evidence.mentions else ()
        found[path] = Close(path, pieces, inspect(text, pieces, wanted, lines))
        if len(importing) < MAX_IMPORTING:
            importing[path] = text
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
