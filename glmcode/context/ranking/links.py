"""Who names whom: what a file imports or includes, and which tests are meant for which files."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from glmcode.context.ranking.lexical import Scores

Import = tuple[str | None, ...]
"""The groups of one match of an import."""

MAX_IMPORTS = 200
HEAD_CHARS = 16_000
"""Imports stand at the top of a file."""
_IMPORT = re.compile(
    r"""^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+\(?([\w, \t*]+)|import[ \t]+(?:static[ \t]+)?([\w.]+)"""
    r"""|(?:pub(?:\([\w:]+\))?[ \t]+)?use[ \t]+([\w:\\{}, ]+)|(?:pub[ \t]+)?mod[ \t]+(\w+);|using[ \t]+([\w.]+)"""
    r"""|[ \t]*\#[ \t]*include[ \t]*["<]([\w./+-]+)[">]|require(?:_relative|_once)?[ \t(]+['"]([\w./@-]+)['"]"""
    r"""|(?:_|\w+)?[ \t]*"([\w./-]+/[\w./-]+)"$)"""
    r"""|(?:from|import|require\(|import\()[ \t]*['"]([\w./@-]+)['"]""",
    re.MULTILINE,
)
_SPLIT = re.compile(r"[./\\:{}, ]+|::")
_TEST_MARK = re.compile(r"^tests?_|_?tests?$|_spec$|\.(?:test|spec)$|(?<=[a-z])Tests?$", re.IGNORECASE)
_IDLE = {"index", "mod", "__init__", "lib", "main"}


class Modules:
    """The repository's files by the names that others import them by."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = list(paths)
        # Twice the place of a path for its name as a module, one more for its name as a file.
        self._by_name: dict[str, list[int]] = {}
        for at, path in enumerate(self._paths):
            folder, _, name = path.rpartition("/")
            stem = name.partition(".")[0]
            module = folder.rpartition("/")[2] if stem in _IDLE and folder else stem
            self._by_name.setdefault(module.lower(), []).append(2 * at)
            self._by_name.setdefault(name.lower(), []).append(2 * at + 1)
        self._backwards: dict[int, tuple[str, ...]] = {}
        self._found: dict[tuple[str, ...], list[tuple[str, int]]] = {}

    def imported(self, path: str, text: str) -> dict[str, int]:
        """The files that one file imports, and how many parts of the name agree with the path."""
        return self.resolved(path, imports_of(text))

    def resolved(self, path: str, imports: Iterable[Import]) -> dict[str, int]:
        """The same from what `imports_of` found in the file."""
        found: dict[str, int] = {}
        for one in imports:
            for wanted in _targets(one, path):
                for target, agree in self._resolve(wanted, path):
                    if target != path:
                        found[target] = max(found.get(target, 0), agree)
        return found

    def _resolve(self, wanted: Sequence[str], path: str) -> list[tuple[str, int]]:
        # The last part may be a name in the module rather than the module: what agrees with more of a path is meant.
        whole, without = self._closest(wanted), self._closest(wanted[:-1])
        found = without if without and (not whole or without[0][1] > whole[0][1]) else whole
        if not found or (found[0][1] < 2 and len(found) > 2):
            return []
        if len(found) > 4:
            folder = path.rpartition("/")[0]
            found = [one for one in found if one[0].rpartition("/")[0] == folder]
        return found[:4]

    def _closest(self, name: Sequence[str]) -> list[tuple[str, int]]:
        """The files whose names agree with most of this one, from its end, and in how many parts."""
        backwards = tuple(part.lower() for part in reversed(name))
        found = self._found.get(backwards)
        if found is None:
            places = self._by_name.get(backwards[0], ()) if backwards else ()
            matches = [(place >> 1, _common(backwards, self._parts(place))) for place in places]
            best = max((agree for _, agree in matches), default=0)
            found = [(self._paths[at], agree) for at, agree in matches if agree == best]
            self._found[backwards] = found
        return found

    def _parts(self, place: int) -> tuple[str, ...]:
        """The parts of a name in lower case, the last first."""
        parts = self._backwards.get(place)
        if parts is None:
            path = self._paths[place >> 1]
            names = path.split("/") if place & 1 else _module(path)
            parts = self._backwards[place] = tuple(part.lower() for part in reversed(names))
        return parts


def imports_of(text: str) -> list[Import]:
    """What the head of a file names in its imports."""
    return list(itertools.islice((match.groups() for match in _IMPORT.finditer(text[:HEAD_CHARS])), MAX_IMPORTS))


def _targets(one: Import, path: str) -> list[list[str]]:
    module, names, *others = one
    here = path.split("/")[:-1]
    if module is not None and names is not None:
        dots = len(module) - len(module.lstrip("."))
        parts = [part for part in module.split(".") if part]
        base = (here[: len(here) - dots + 1] if dots else []) + parts
        return [[*base, name.strip()] for name in names.split(",") if name.strip().isidentifier()] or [base]
    target = next((name for name in others if name), "")
    if target.startswith("."):
        whole = [part for part in target.split("/") if part not in ("", ".")]
        ups = whole.count("..")
        base = here[: len(here) - ups] if ups else here
        return [[*base, *(re.sub(r"\.[cm]?[jt]sx?$", "", part) for part in whole if part != "..")]]
    if "/" in target:
        parts = [part for part in target.split("/") if part]
        if not parts:
            return []
        return [parts, [*parts[:-1], parts[-1].rpartition(".")[0]]] if "." in parts[-1] else [parts]
    return [[part for part in _SPLIT.split(target) if part and part not in ("crate", "self", "super")]]


def _module(path: str) -> tuple[str, ...]:
    *folders, name = path.split("/")
    stem = name.partition(".")[0]
    return tuple(folders) if stem in _IDLE and folders else (*folders, stem)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def tested_name(path: str) -> str | None:
    """The bare name of what a test file is for, in lower case without underscores; None where nothing marks a test."""
    return _unmarked(path.rpartition("/")[2].rpartition(".")[0])


@lru_cache(maxsize=10_000)
def _unmarked(stem: str) -> str | None:
    bare = _TEST_MARK.sub("", stem)
    return bare.replace("_", "").lower() if bare != stem else None


def from_tests(scores: Scores, tests: Iterable[str], sources: Iterable[str]) -> Scores:
    """What the tests of a file score, given to the file: those named after it."""
    by_name: dict[str, float] = {}
    for path in tests:
        name = tested_name(path) or path.rpartition("/")[0].rpartition("/")[2].replace("_", "").lower()
        if len(name) > 2:
            by_name[name] = max(by_name.get(name, 0.0), scores.get(path, 0.0))
    found = {}
    for path in sources:
        folder, _, own = path.rpartition("/")
        stem = own.partition(".")[0]
        name = (folder.rpartition("/")[2] if stem in _IDLE else stem).replace("_", "").lower()
        if by_name.get(name):
            found[path] = by_name[name]
    return found


def along(imports: Mapping[str, Mapping[str, int]], weights: Scores) -> tuple[Scores, Scores]:
    """What the files of `weights` give to those they import, and what each file gets from those it imports."""
    given: Scores = {}
    taken: Scores = {}
    for path, targets in imports.items():
        if not targets:
            continue
        share = 1.0 / len(targets) ** 0.5
        for target in targets:
            if path in weights:
                given[target] = given.get(target, 0.0) + weights[path] * share
            if target in weights:
                taken[path] = taken.get(path, 0.0) + weights[target] * share
    return given, taken
