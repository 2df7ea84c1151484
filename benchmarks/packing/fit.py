"""Fits the weights of the ranking, and says what packs would hold for repositories left out of the fit.

    python -m benchmarks.packing.fit --work DIR [--data FILE] [--ablate | --write]

Needs numpy and scipy. Both models are a softmax over a list: of an issue's likely files, and of the pieces of those.
The figures are the share of issues for which every edit lies in the pack; the repositories are dealt into seven parts,
each ranked by weights fitted on the others. --write prints the weights fitted on all, for
glmcode/context/ranking/weights.py. Figures kept: RESULTS.md.
"""

import argparse
import json
import pickle
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.packing.gather import Case
from glmcode.context.candidates import looked_at
from glmcode.context.core import CORE_SHARE, FILE_SHARE, MIN_CORE_BUDGET
from glmcode.context.fitting import Offer, fit
from glmcode.context.fixed import MAP_SHARE, MAX_MAP_TOKENS
from glmcode.context.pack import MARGIN, SIGNATURE_SHARE, heading_tokens
from glmcode.context.ranking.fuse import Row, log_softmax, piece_worths
from glmcode.context.ranking.weights import FILE_WEIGHTS, PIECE_WEIGHTS
from glmcode.context.render import FILES_HEAD
from glmcode_engine.tokens import estimate_tokens

BUDGETS = (13_000, 27_000, 50_000, 100_000, 200_000)
FILE_L2, PIECE_L2 = 3e-3, 1e-3
FOLDS = 7
KINDS: dict[str, tuple[str, ...]] = {
    "all evidence": (),
    "without history": ("said", "said_best", "often", "lately", "together"),
    "without paths": ("path", "file_name", "folder", "mention", "mention_line"),
    "without words": ("title", "prose", "rough", "best_words", "w_file", "w_rank", "w_all", "near"),
    "without names": ("best_defines", "best_framed", "defs", "defs1", "inside", "framed"),
    "without phrases": ("best_phrases", "ph_all", "ph_file"),
    "without imports": ("imported", "importing"),
    "without tests": ("tested",),
}
BYTES = 4.0
"""For a token of the core files, whose lines were not counted."""
LIKELY = -7.0
"""Pieces of files with lower odds do not take part in the fit of the pieces."""

Array = NDArray[np.float64]
Group = tuple[Array, NDArray[np.bool_]]
Weights = dict[str, float]


def main() -> None:
    """Fit, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="instances.jsonl, to tell its sets apart")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--ablate", action="store_true", help="once more without each kind of evidence")
    options = parser.parse_args()
    cases: list[Case] = [pickle.loads(file.read_bytes()) for file in sorted(options.work.glob("cases/*.pickle"))]
    if options.write:
        for name, weights in zip(("FILE_WEIGHTS", "PIECE_WEIGHTS"), train(cases, ()), strict=True):
            print(name, {key: round(value, 2) for key, value in sorted(weights.items(), key=lambda one: -abs(one[1]))})
        return
    groups = groups_of(cases, options.data)
    for label, without in KINDS.items() if options.ablate else [("all evidence", ())]:
        held = {case.id: hits for case, hits in judge(cases, without)}
        for name, ids in groups.items():
            shares = (100 * sum(hits) / len(ids) for hits in zip(*(held[id] for id in ids), strict=True))
            print(f"| {label} | {name} | {len(ids)} |", " / ".join(f"{share:.0f}" for share in shares), "|", flush=True)


def judge(cases: Sequence[Case], without: Collection[str]) -> Iterator[tuple[Case, list[bool]]]:
    """For each case what packs of the budgets would hold, ranked by weights fitted on other repositories."""
    counts = Counter(case.repo for case in cases)
    fold_of: dict[str, int] = {}
    loads = [0] * FOLDS
    for repo, count in counts.most_common():
        fold_of[repo] = loads.index(min(loads))
        loads[fold_of[repo]] += count
    for fold in range(FOLDS):
        weights_of = train([case for case in cases if fold_of[case.repo] != fold], without)
        for case in cases:
            if fold_of[case.repo] == fold:
                yield case, holds(case, offers_of(case, *weights_of), BUDGETS)


def groups_of(cases: Sequence[Case], data: Path | None) -> dict[str, list[str]]:
    """The ids of all cases, and with the data of each set and of issues that name no file to change."""
    groups: dict[str, list[str]] = {"all": [case.id for case in cases]}
    issues = {row["id"]: row for row in map(json.loads, data.read_text().splitlines())} if data else {}
    for case in cases:
        if (issue := issues.get(case.id)) is None:
            continue
        sets = issue["sets"]
        if "commits" in sets:
            groups.setdefault("commits, Python" if issue["lang"] == "python" else "commits, others", []).append(case.id)
        groups.setdefault(next((name for name in ("multilingual", "commits") if name in sets), "python"), []).append(
            case.id
        )
        text = issue["issue"].lower().replace("_", "")
        if not any(PurePosixPath(path).name.partition(".")[0].lower().replace("_", "") in text for path in case.gold):
            groups.setdefault("no file named", []).append(case.id)
    return groups


def train(cases: Iterable[Case], without: Collection[str]) -> tuple[Weights, Weights]:
    """The weights of the evidence on files, and on pieces; `without` names of either."""
    names = [name for name in FILE_WEIGHTS if name.removeprefix("r_") not in without]
    piece_names = [name for name in PIECE_WEIGHTS if name not in without]
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
    matrix = np.concatenate([matrix for matrix, _ in groups])
    right = np.concatenate([right for _, right in groups])
    sizes = np.array([len(right) for _, right in groups])
    starts = np.cumsum(sizes) - sizes
    group = np.repeat(np.arange(len(groups)), sizes)
    of_right = group[right]
    share = 1 / (len(groups) * np.bincount(of_right)[of_right])

    def loss(weights: Array) -> tuple[float, Array]:
        scores = matrix @ weights
        odds = np.exp(scores - np.maximum.reduceat(scores, starts)[group])
        wrong = np.where(right, 0.0, odds)
        against = odds[right] + np.add.reduceat(wrong, starts)[of_right]
        each = odds[right] / against
        pull = wrong * np.bincount(of_right, share / against, minlength=len(groups))[group]
        pull[right] = share * (each - 1)
        return float(l2 * weights @ weights - share @ np.log(each)), matrix.T @ pull + 2 * l2 * weights

    start = np.zeros(matrix.shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x)


def offers_of(case: Case, file_weights: Weights, piece_weights: Weights) -> list[Offer]:
    """The pieces of a case with what these weights make of them."""
    odds = log_softmax([_dot(file_weights, row) for row in case.files])
    worths = piece_worths(odds, case.rows, piece_weights)
    return [
        Offer(path, at, *offered)
        for path, *own in zip(case.paths, case.pieces, worths, case.sizes, strict=True)
        for at, offered in enumerate(zip(*own, strict=True))
    ]


def holds(case: Case, all_offers: Sequence[Offer], budgets: Sequence[int]) -> list[bool]:
    """For each budget whether a pack of these offers would hold every edit of the case."""
    sums = {path: [0, *accumulate(tokens)] for path, tokens in zip(case.paths, case.tokens, strict=True)}
    held = []
    for budget in budgets:
        core, left = core_of(case, budget)
        looked = set(case.paths[: looked_at(map(sum, case.sizes), budget)])
        offers = [offer for offer in all_offers if offer.path in looked and offer.path not in core]
        fixed = min(MAX_MAP_TOKENS, budget // MAP_SHARE) + estimate_tokens(FILES_HEAD)
        room = int((left - fixed) / MARGIN)
        room -= room // SIGNATURE_SHARE
        packed = {one.path: one.ranges for one in fit(offers, room, sums.get, heading_tokens)}
        held.append(
            all(
                path in core or any(start <= first and last <= end for start, end in packed.get(path, []))
                for path, edits in case.gold.items()
                for first, last in edits
            )
        )
    return held


def core_of(case: Case, budget: int) -> tuple[set[str], int]:
    """The core files of such a pack, and the tokens that they leave to the task's."""
    left = share = max(0, budget - MIN_CORE_BUDGET) // CORE_SHARE
    core: set[str] = set()
    for path, size in case.core:
        tokens = int(size / BYTES)
        if tokens <= min(left, share // FILE_SHARE):
            core.add(path)
            left -= tokens
    return core, budget - (share - left)


def _dot(weights: Weights, row: Row) -> float:
    return sum(weight * row.get(name, 0.0) for name, weight in weights.items())


if __name__ == "__main__":
    main()
