"""Gathers the evidence on every file, then looks closer at the likely ones."""

import heapq
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from glmcode.context.index.history import Commit
from glmcode.context.index.snapshot import File, Snapshot
from glmcode.context.mentions import named
from glmcode.context.ranking.lexical import Lexical, Scores, lexical
from glmcode.context.ranking.links import from_tests
from glmcode.context.ranking.past import history_scores, nearness, together
from glmcode.context.ranking.paths import path_scores
from glmcode.context.ranking.task import Task

CANDIDATES = 120
"""So many files are looked at closely."""
EARLY = 40
"""So many are told early: most of them are among the likely ones in the end."""
_ROUGH = {
    **{"title": 1.0, "prose": 1.0, "code": 0.6, "names": 1.2, "path": 1.2, "file_name": 0.6, "said": 1.0},
    **{"said_best": 0.5, "often": 0.3, "lately": 0.4, "mention": 2.5, "folder": 0.4, "tested": 0.5},
}
"""Only which files are looked at closely depends on these."""
_SPOKEN = ("title", "prose", "code", "names", "path", "said", "mention")
"""Where none of these says anything about any file, the task is about none."""
_NEAR = 2.0
"""About what a file's name in the task weighs."""
_KINDS = {"source": 0.0, "generated": -0.6, "vendored": -0.8, "config": -0.8, "docs": -1.0, "test": -1.0}


@dataclass(slots=True)
class Evidence:
    """What speaks for each file: a column for each kind of evidence, from 0 to its highest value."""

    columns: dict[str, Scores]
    lexical: Lexical
    mentions: dict[str, tuple[int, tuple[int, ...]]]
    order: list[str] = field(default_factory=list)
    """The likely files, the likeliest first."""


def gather(
    snapshot: Snapshot,
    history: Callable[[], Sequence[Commit]],
    task: Task,
    near: Collection[str] = (),
    on_early: Callable[[Sequence[str]], object] | None = None,
) -> Evidence:
    """The evidence that costs little, on all files; `near` are those that a person has open or asks for.

    `on_early` is told files that are almost certainly among the likely ones before `history` is asked for the commits.
    """
    words = lexical(snapshot, task)
    files = snapshot.files
    mentions = named(task.text, files)
    columns: dict[str, Scores] = dict(words.by_zone)
    columns |= path_scores(files, task)
    if on_early is not None:
        on_early(_early(columns, files))
    commits = history()
    columns |= history_scores(commits, files, task)
    columns["mention"] = {path: float(tier) for path, (tier, _) in mentions.items()}
    columns["mention_line"] = {path: 1.0 for path, (_, lines) in mentions.items() if lines}
    base = _sum(columns, {name: _ROUGH[name] for name in ("title", "prose", "code", "names")})
    columns["folder"] = _folders(base, files)
    tests = [path for path, file in files.items() if file.kind == "test"]
    columns["tested"] = from_tests(base, tests, (path for path, file in files.items() if file.kind != "test"))
    rough = _sum(columns, _ROUGH)
    columns["near"] = nearness(commits, files, near)
    for path, score in columns["near"].items():
        rough[path] = rough.get(path, 0.0) + _NEAR * score
    for path, file in files.items():
        rough[path] = rough.get(path, 0.0) + _KINDS[file.kind]
    spoken = any(score > 0 for name in (*_SPOKEN, "near") for score in columns[name].values())
    order = _best(rough, files) if spoken else []
    anchors = {path: max(0.0, rough[path]) ** 2 for path in order[:12] if files[path].kind == "source"}
    columns["together"] = together(commits, anchors)
    columns["rough"] = {path: max(0.0, rough[path]) for path in files}
    return Evidence(columns, words, mentions, order)


def _early(columns: Mapping[str, Scores], files: Mapping[str, File]) -> list[str]:
    words = _sum(columns, {name: _ROUGH[name] for name in ("title", "prose", "code", "names", "path", "file_name")})
    rough = {path: words.get(path, 0.0) + _KINDS[file.kind] for path, file in files.items()}
    return _best(rough, files)[:EARLY] if words else []


def relative(scores: Scores) -> Scores:
    """The scores as a share of the highest."""
    most = max(scores.values(), default=0.0)
    return {path: score / most for path, score in scores.items()} if most > 0 else {}


def _best(scores: Scores, files: Collection[str]) -> list[str]:
    """The files with the highest scores, the highest first."""
    # Most of a large repository is told apart by one number, before any path is looked at.
    least = min(heapq.nlargest(CANDIDATES, map(scores.__getitem__, files)), default=0.0)
    return sorted((path for path in files if scores[path] >= least), key=lambda path: (-scores[path], path))[
        :CANDIDATES
    ]


def _sum(columns: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    total: Scores = {}
    for name, weight in weights.items():
        scores = columns.get(name, {})
        if (most := max(scores.values(), default=0.0)) > 0:
            for path, score in scores.items():
                total[path] = total.get(path, 0.0) + weight * (score / most)
    return total


def _folders(scores: Scores, files: Mapping[str, object]) -> Scores:
    """How well the other files of the folder match: the mean of its best three."""
    by_folder: dict[str, list[tuple[float, str]]] = {}
    for path, score in scores.items():
        if score > 0:
            by_folder.setdefault(path.rpartition("/")[0], []).append((score, path))
    best = {folder: heapq.nlargest(4, members) for folder, members in by_folder.items()}
    sums = {folder: sum(score for score, _ in members[:3]) / 3 for folder, members in best.items()}
    found: Scores = {}
    for path in files:
        folder = path.rpartition("/")[0]
        if folder in sums:
            found[path] = sums[folder]
    for members in best.values():
        for _, path in members[:3]:
            found[path] = sum([score for score, other in members if other != path][:3]) / 3
    return found
