"""Fuses the evidence: how probable it is that a task's change touches a file, and each of its pieces."""

import math
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from operator import mul

from glmcode.context.index.kinds import is_code
from glmcode.context.index.pieces import Piece
from glmcode.context.index.snapshot import File
from glmcode.context.ranking.lexical import Scores
from glmcode.context.ranking.weights import FILE_WEIGHTS, PIECE_WEIGHTS, SET_WEIGHTS

Row = dict[str, float]

_FRONT = ("__init__.", "setup.py", "index.ts", "index.js")
_MAKERS = {"__init__", "new", "constructor", "__construct", "initialize"}


def file_rows(columns: Mapping[str, Scores], files: Sequence[File], wanted: Collection[str] | None = None) -> list[Row]:
    """The evidence on files as numbers without unit: each value as a share of the highest, and one over its rank.

    With `wanted` only numbers of these names need be there.
    """
    rows: list[Row] = [_own(file) for file in files]
    for name, scores in sorted(columns.items()):
        most = max(scores.values(), default=0.0)
        if most <= 0:
            continue
        ranked = wanted is None or f"r_{name}" in wanted
        by_rank = sorted(-score for score in scores.values()) if ranked else []
        for row, file in zip(rows, files, strict=True):
            score = scores.get(file.path, 0.0)
            if score > 0:
                row[name] = score / most
                # Ties count against a file: what says the same of many says little.
                if ranked:
                    row[f"r_{name}"] = 1.0 / (1 + bisect_right(by_rank, -score))
    return rows


def _own(file: File) -> Row:
    name = file.path.rpartition("/")[2]
    return {
        f"k_{file.kind}": 1.0,
        "k_code": float(is_code(file.path)),
        "size": math.log1p(file.size) / 10,
        "front": float(name.startswith(_FRONT)),
    }


def piece_rows(pieces: Sequence[Piece], found: Sequence[Row], highest: Row) -> list[Row]:
    """The evidence on the pieces of one file, as numbers without unit. `highest` are the task's highest values."""
    own = {name: max((row[name] for row in found), default=0.0) or 1.0 for name in ("words", "phrases", "size")}
    total = sum(row["size"] for row in found) or 1.0
    order = sorted(range(len(found)), key=lambda at: -found[at]["words"])
    place = {at: rank for rank, at in enumerate(order)}
    rows = []
    for at, (piece, row) in enumerate(zip(pieces, found, strict=True)):
        around = [found[other]["words"] for other in (at - 1, at + 1) if 0 <= other < len(found)]
        following = pieces[at + 1].inside if at and at + 1 < len(pieces) else ""
        rows.append(
            {
                "w_all": row["words"] / highest["words"],
                "w_file": row["words"] / own["words"],
                "w_rank": 1 / (1 + place[at]),
                "near": max(around, default=0.0) / highest["words"],
                "ph_all": row["phrases"] / highest["phrases"],
                "ph_file": row["phrases"] / own["phrases"],
                "defs": row["defines"] / highest["defines"],
                "defs1": float(row["defines"] > 0),
                "inside": row["inside"] / highest["inside"],
                "framed": row["framed"],
                "pointed": row["pointed"],
                "first": float(at == 0),
                "second": float(at == 1 and not piece.name),
                "named": float(bool(piece.name)),
                "cls": float(bool(piece.inside)),
                "init": float(piece.name in _MAKERS),
                "lsize": math.log1p(row["size"] / 3.6) / 5,
                "share": row["size"] / total,
                "few": 1 / len(found),
                "header": float(bool(piece.name) and following == piece.name),
            }
        )
    return rows


def highest_values(found: Mapping[str, Sequence[Row]]) -> Row:
    """The highest value of each kind of evidence over all pieces of all files."""
    return {
        name: max((row[name] for rows in found.values() for row in rows), default=0.0) or 1.0
        for name in ("words", "phrases", "defines", "inside")
    }


def log_softmax(scores: Sequence[float]) -> list[float]:
    """The logarithms of the probabilities that the scores stand for."""
    if not scores:
        return []
    most = max(scores)
    total = math.log(sum(math.exp(score - most) for score in scores))
    return [score - most - total for score in scores]


def file_odds(columns: Mapping[str, Scores], files: Sequence[File]) -> list[float]:
    """For each file the logarithm of the probability that the change touches it."""
    weights = FILE_WEIGHTS | SET_WEIGHTS
    wanted = {name.removeprefix("r_") for name in weights}
    kept = {name: scores for name, scores in columns.items() if name in wanted}
    return log_softmax([_dot(weights, row) for row in file_rows(kept, files, weights)])


def piece_worths(
    odds: Sequence[float], rows: Sequence[Sequence[Row]], weights: Mapping[str, float] = PIECE_WEIGHTS
) -> list[list[float]]:
    """For each file's pieces the probability that the change touches them, from the files' odds and the rows.

    What the pieces of a file say together and what its odds say err in different ways: it gets the geometric mean.
    """
    # All rows have the same names.
    first: Row = next((own[0] for own in rows if own), {})
    names = [name for name in weights if name in first]
    factors = [weights[name] for name in names]
    scores = [
        weights.get("file", 0.0) * odd / 5 + sum(map(mul, factors, map(row.__getitem__, names)))
        for odd, own in zip(odds, rows, strict=True)
        for row in own
    ]
    each = iter([math.exp(score) for score in log_softmax(scores)])
    worths = [[next(each) for _ in own] for own in rows]
    for odd, own in zip(odds, worths, strict=True):
        if total := sum(own):
            factor = math.sqrt(math.exp(odd) / total)
            own[:] = [worth * factor for worth in own]
    whole = sum(map(sum, worths)) or 1.0
    return [[worth / whole for worth in own] for own in worths]


def _dot(weights: Mapping[str, float], row: Row) -> float:
    return sum(weight * row[name] for name, weight in weights.items() if name in row)
