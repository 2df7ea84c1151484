"""What past commits say: those whose message speaks of the task's words, how often and how lately a file changed."""

import math
from collections.abc import Collection, Mapping, Sequence

from glmcode.context.index.history import Commit
from glmcode.context.ranking.lexical import Scores
from glmcode.context.ranking.task import Task

_K1, _B = 1.2, 0.5
_CHANGED_WITH, _SAME_FOLDER = 0.5, 0.2
_HALF_LIFE = 400
"""In commits: a file changed so long ago counts half."""


def message_scores(commits: Sequence[Commit], task: Task) -> dict[int, float]:
    """BM25 of each commit's message for the task, by its place in the list."""
    wanted: dict[str, float] = {}
    for name, factor in (("title", 2.0), ("prose", 1.0), ("code", 0.7)):
        for term, weight in task.zones[name].items():
            wanted[term] = wanted.get(term, 0.0) + factor * weight
    holders: dict[str, list[tuple[int, int]]] = {}
    lengths = []
    for at, commit in enumerate(commits):
        lengths.append(sum(commit.terms.values()))
        for term, times in commit.terms.items():
            if term in wanted:
                holders.setdefault(term, []).append((at, times))
    average = sum(lengths) / max(1, len(lengths)) or 1.0
    scores: dict[int, float] = {}
    for term in sorted(holders):
        found = holders[term]
        idf = math.log(1 + (len(commits) - len(found) + 0.5) / (len(found) + 0.5))
        for at, times in found:
            norm = _K1 * (1 - _B + _B * lengths[at] / average)
            scores[at] = scores.get(at, 0.0) + wanted[term] * idf * times * (_K1 + 1) / (times + norm)
    return scores


def history_scores(commits: Sequence[Commit], paths: Collection[str], task: Task) -> dict[str, Scores]:
    """By file: the sum and the best of its commits' messages, how often it changed, and how lately."""
    said = message_scores(commits, task)
    total: Scores = {}
    best: Scores = {}
    often: Scores = {}
    lately: Scores = {}
    least = 0.35 * max(said.values(), default=0.0)
    for at, commit in enumerate(commits):
        touched = [path for path in commit.paths if path in paths]
        share = 1.0 / math.sqrt(len(commit.paths))
        fresh = 0.5 ** (at / _HALF_LIFE)
        score = said.get(at, 0.0)
        for path in touched:
            often[path] = often.get(path, 0.0) + share
            lately[path] = lately.get(path, 0.0) + share * fresh
            if score > least:
                total[path] = total.get(path, 0.0) + (score - least) ** 1.5 * share
                best[path] = max(best.get(path, 0.0), score * share)
    # Files that everything touches are told by every message.
    total = {path: score / math.sqrt(2 + often[path]) for path, score in total.items()}
    return {"said": total, "said_best": best, "often": often, "lately": lately}


def together(commits: Sequence[Commit], weights: Mapping[str, float]) -> Scores:
    """How often each file changed in one commit with the files of `weights`, by what those weigh."""
    scores: Scores = {}
    seen: Scores = {}
    for commit in commits:
        for path in commit.paths:
            if path in weights:
                seen[path] = seen.get(path, 0.0) + 1
    for commit in commits:
        anchors = [path for path in commit.paths if path in weights]
        if not anchors or len(commit.paths) > 20:
            continue
        for path in commit.paths:
            given = sum(weights[anchor] / (3 + seen[anchor]) for anchor in anchors if anchor != path)
            if given:
                scores[path] = scores.get(path, 0.0) + given / len(commit.paths)
    return scores


def nearness(commits: Sequence[Commit], paths: Collection[str], anchors: Collection[str]) -> Scores:
    """How near each file is to the anchors: 1 for themselves, less for those changed with them or in their folder."""
    there = [path for path in dict.fromkeys(anchors) if path in paths]
    if not there:
        return {}
    shared = together(commits, dict.fromkeys(there, 1.0))
    most = max(shared.values(), default=0.0) or 1.0
    found: Scores = {path: _CHANGED_WITH * score / most for path, score in shared.items() if path in paths}
    folders = {path.rpartition("/")[0] for path in there}
    for path in paths:
        if path.rpartition("/")[0] in folders:
            found[path] = found.get(path, 0.0) + _SAME_FOLDER
    return found | dict.fromkeys(there, 1.0)
