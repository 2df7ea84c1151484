"""How far a task's words name the paths of files: the words of a path stand in its folders and in its own name."""

from collections import Counter
from collections.abc import Collection, Mapping

from glmcode.context.index.words import TermCounter
from glmcode.context.ranking.lexical import Scores, rare
from glmcode.context.ranking.task import Task

_FRONTS = ("__init__.", "mod.", "index.", "lib.", "main.")
_OWN = 2.0
"""What a term of the file's own name counts; one of its folders counts 1."""

Terms = dict[str, float]


def path_scores(paths: Collection[str], task: Task) -> dict[str, Scores]:
    """By path how far the task's words name it: with rare words, and as a share of the file name's own words."""
    wanted = _wanted(task)
    named, held = _named(paths, wanted)
    by_count = {count: rare(len(paths), count) for count in set(held.values())}
    weighed, covered = {}, {}
    for path, terms in named.items():
        hits = [term for term in terms if term in wanted]
        weighed[path] = sum(by_count[held[term]] * terms[term] * wanted[term] for term in hits) / (4 + len(terms))
        own = sum(by_count[held[term]] for term in hits if terms[term] == _OWN)
        if own:
            covered[path] = own * own / sum(by_count[held[term]] for term, times in terms.items() if times == _OWN)
    return {"path": weighed, "file_name": covered}


def _wanted(task: Task) -> dict[str, float]:
    wanted: dict[str, float] = {}
    for name, factor in (("title", 2.0), ("prose", 1.0), ("code", 1.0)):
        for term, weight in task.zones[name].items():
            wanted[term] = wanted.get(term, 0.0) + factor * min(weight, 2.0)
    return wanted


def _named(paths: Collection[str], wanted: Mapping[str, float]) -> tuple[dict[str, Terms], Counter[str]]:
    """The terms of the paths that hold a wanted one, and how many of all paths hold each term."""
    parts = [path.rpartition("/") for path in paths]
    folders = [folder for folder, _, _ in parts]
    names = [_own_name(folder, name) for folder, _, name in parts]
    counter = TermCounter()
    # However many paths have it, each folder and each name is taken apart once.
    above = {folder: dict.fromkeys(counter.terms(folder), 1.0) for folder in dict.fromkeys(folders)}
    last = {name: dict.fromkeys(counter.terms(name), _OWN) for name in dict.fromkeys(names)}
    held: Counter[str] = Counter()
    for terms_of, used in ((above, Counter(folders)), (last, Counter(names))):
        for part, count in used.items():
            for term in terms_of[part]:
                held[term] += count
    parts_of = (above, last)
    hit = {part for terms_of in parts_of for part, terms in terms_of.items() if not wanted.keys().isdisjoint(terms)}
    found: dict[str, Terms] = {}
    twice: list[str] = []
    for path, folder, name in zip(paths, folders, names, strict=True):
        if not above[folder].keys().isdisjoint(last[name]):
            twice += above[folder].keys() & last[name].keys()
        if folder in hit or name in hit:
            found[path] = above[folder] | last[name]
    held.subtract(Counter(twice))
    return found, held


def _own_name(folder: str, name: str) -> str:
    # The folder of a package's front file is its name.
    return folder.rpartition("/")[2] if name.startswith(_FRONTS) else name.partition(".")[0] or name
