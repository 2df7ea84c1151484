"""Fits the weights of the ranking, and says what packs would hold for repositories left out of the fit.

    python -m benchmarks.packing.fit --work DIR [--write]

Needs numpy and scipy. Both models are a softmax over a list: of an issue's likely files, and of the pieces of those.
The figures are the share of issues for which every edit lies in the pack, each repository ranked by weights fitted on
the others. --write prints the weights fitted on all, for glmcode/context/ranking/weights.py.
"""

import argparse
import pickle
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.packing.gather import Case
from glmcode.context.fitting import Offer, fit
from glmcode.context.ranking.fuse import Row, log_softmax
from glmcode.context.ranking.weights import FILE_WEIGHTS, PIECE_WEIGHTS

BUDGETS = (13_000, 27_000, 50_000, 100_000, 200_000)
FIXED_SHARE = 0.06
"""What the map and the margin between vocabularies take of a budget."""
FILE_L2, PIECE_L2 = 3e-3, 1e-3
LIKELY = -7.0
"""Pieces of files with lower odds do not take part in the fit of the pieces."""

Array = NDArray[np.float64]
Group = tuple[Array, NDArray[np.bool_]]
Weights = dict[str, float]


def main() -> None:
    """Fit, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cases: list[Case] = [pickle.loads(file.read_bytes()) for file in sorted(options.work.glob("cases/*.pickle"))]
    if options.write:
        for name, weights in zip(("FILE_WEIGHTS", "PIECE_WEIGHTS"), train(cases), strict=True):
            print(name, {key: round(value, 2) for key, value in sorted(weights.items(), key=lambda one: -abs(one[1]))})
        return
    held: list[list[bool]] = []
    for repo in sorted({case.repo for case in cases}):
        weights_of = train(case for case in cases if case.repo != repo)
        for case in cases:
            if case.repo == repo:
                held.append([holds(case, *weights_of, budget) for budget in BUDGETS])
                print(case.id, *("+" if hit else "-" for hit in held[-1]), flush=True)
    shares = (100 * sum(hits) / len(hits) for hits in zip(*held, strict=True))
    print(f"{len(held)} issues:", " / ".join(f"{share:.0f}" for share in shares))


def train(cases: Iterable[Case]) -> tuple[Weights, Weights]:
    """The weights of the evidence on files, and on pieces."""
    names, piece_names = list(FILE_WEIGHTS), list(PIECE_WEIGHTS)
    known = [case for case in cases if set(case.gold) & set(case.paths)]
    of_files = [(_matrix(case.files, names), np.array([path in case.gold for path in case.paths])) for case in known]
    weights = softmax_weights(of_files, FILE_L2)
    groups: list[Group] = []
    for case, (matrix, _) in zip(known, of_files, strict=True):
        rows, touched = [], []
        for path, odd, pieces, own in zip(
            case.paths, log_softmax(list(matrix @ weights)), case.pieces, case.rows, strict=True
        ):
            edits = case.gold.get(path, [])
            for piece, row in zip(pieces, own, strict=True):
                hit = any(piece.first <= last and first <= piece.last for first, last in edits)
                if hit or odd > LIKELY:
                    rows.append({**row, "file": odd / 5})
                    touched.append(hit)
        if any(touched):
            groups.append((_matrix(rows, piece_names), np.array(touched)))
    pieces_weights = softmax_weights(groups, PIECE_L2)
    return _named(names, weights), _named(piece_names, pieces_weights)


def _named(names: Sequence[str], weights: Array) -> Weights:
    return dict(zip(names, map(float, weights), strict=True))


def _matrix(rows: Sequence[Row], names: Sequence[str]) -> Array:
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])


def softmax_weights(groups: Sequence[Group], l2: float) -> Array:
    """The weights that make each right one of a group most probable against all the wrong ones."""

    def loss(weights: Array) -> tuple[float, Array]:
        total, slope = 0.0, np.zeros_like(weights)
        for matrix, right in groups:
            scores = matrix @ weights
            odds = np.exp(scores - scores.max())
            wrong = odds[~right].sum()
            each = odds[right] / (odds[right] + wrong)
            total -= float(np.log(each).mean())
            inverse = 1 / (odds[right] + wrong)
            from_wrong = inverse.mean() * (odds[~right] @ matrix[~right])
            slope -= matrix[right].mean(0) - from_wrong - (each[:, None] * matrix[right]).mean(0)
        return total / len(groups) + l2 * float(weights @ weights), slope / len(groups) + 2 * l2 * weights

    start = np.zeros(groups[0][0].shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x)


def holds(case: Case, file_weights: Weights, piece_weights: Weights, budget: int) -> bool:
    """Whether a pack of this budget would hold every edit of the case."""
    odds = log_softmax([_dot(file_weights, row) for row in case.files])
    scores = [
        _dot(piece_weights, {**row, "file": odd / 5}) for odd, own in zip(odds, case.rows, strict=True) for row in own
    ]
    worths = iter(np.exp(log_softmax(scores)))
    offers = [
        Offer(path, at, piece, float(next(worths)), size)
        for path, pieces, sizes in zip(case.paths, case.pieces, case.sizes, strict=True)
        for at, (piece, size) in enumerate(zip(pieces, sizes, strict=True))
    ]
    room = int(budget * (1 - FIXED_SHARE))
    sums = {path: _sums(case, at) for at, path in enumerate(case.paths)}
    packed = {one.path: one.ranges for one in fit(offers, room, sums.get, lambda path: len(path) // 4)}
    return all(
        any(start <= first and last <= end for start, end in packed.get(path, []))
        for path, edits in case.gold.items()
        for first, last in edits
    )


def _sums(case: Case, at: int) -> list[int]:
    """Tokens before each line, guessed from the characters of its piece."""
    lines = [0.0]
    for piece, size in zip(case.pieces[at], case.sizes[at], strict=True):
        count = piece.last - piece.first + 1
        lines += [size / 3.8 / count] * count
    return [int(total) for total in accumulate(lines)]


def _dot(weights: Weights, row: Row) -> float:
    return sum(weight * row.get(name, 0.0) for name, weight in weights.items())


if __name__ == "__main__":
    main()
