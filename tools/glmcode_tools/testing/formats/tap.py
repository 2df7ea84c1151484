"""The Test Anything Protocol, with subtests and YAML blocks as node and others write them."""

import re
from dataclasses import dataclass, field

from glmcode_tools.testing.report import Status, TestCase, case

_POINT = re.compile(r"( *)(not )?ok\b *(\d+)? *(?:- )?(.*)")
_SUBTEST = re.compile(r"( *)# Subtest: (.*)")
_PLAN = re.compile(r"( *)1\.\.(\d+)(?: *#.*)?")
_DIRECTIVE = re.compile(r"(?i)(?:^|\s)#\s*(skip|todo)\b.*")
_LOCATION = re.compile(r"(?m)^\s*location: '(.+?):(\d{1,7}):\d+'")


@dataclass(slots=True)
class Tap:
    """What a TAP text came to."""

    cases: list[TestCase] = field(default_factory=list)
    complete: bool = True
    """False when it bailed out, or the number of top-level points is not the planned one."""


@dataclass(slots=True)
class _Point:
    depth: int
    name: str
    status: Status
    parents: tuple[str, ...]
    is_parent: bool
    yaml: list[str] = field(default_factory=list)


def parse_tap(text: str, root: str = "") -> Tap | None:
    """The cases, or None when the text is no TAP: a plan and a point are needed. `root` is cut off file names.

    An id is the names from the outermost in, joined by ` > `. A parent is left out, unless it failed by itself.
    """
    names: dict[int, str] = {}
    points: list[_Point] = []
    plan: int | None = None
    bailed, in_yaml = False, False
    for line in text.split("\n"):
        stripped = line.strip()
        if in_yaml:
            in_yaml = stripped != "..."
            points[-1].yaml.append(line)
        elif subtest := _SUBTEST.fullmatch(line):
            names[len(subtest[1])] = _name(subtest[2])
        elif point := _POINT.fullmatch(line):
            points.append(_point(point, names, points))
        elif stripped == "---" and points:
            in_yaml = True
        elif (planned := _PLAN.fullmatch(line)) and not planned[1]:
            plan = int(planned[2])
        elif line.startswith("Bail out!"):
            bailed = True
    if plan is None or (not points and plan):
        return None
    top = sum(point.depth == 0 for point in points)
    return Tap(_cases(points, root), complete=not bailed and top == plan)


def _point(found: re.Match[str], names: dict[int, str], before: list[_Point]) -> _Point:
    depth = len(found[1])
    directive = _DIRECTIVE.search(found[4])
    status: Status = "failed" if found[2] else "passed"
    if directive:
        status = "skipped"
    parents = tuple(names[indent] for indent in sorted(names) if indent < depth)
    is_parent = bool(before) and before[-1].depth > depth
    for indent in [indent for indent in names if indent >= depth]:
        del names[indent]
    name = _name(_DIRECTIVE.sub("", found[4])) or f"test {found[3] or ''}".strip()
    return _Point(depth, name, status, parents, is_parent)


def _cases(points: list[_Point], root: str) -> list[TestCase]:
    cases: list[TestCase] = []
    for point in points:
        message = "\n".join(point.yaml)
        if point.is_parent and (point.status != "failed" or "subtestsFailed" in message or not point.yaml):
            continue
        place = _LOCATION.search(message)
        file, line = (place[1].removeprefix(root.rstrip("/") + "/"), int(place[2])) if place else (None, None)
        name = " > ".join((*point.parents, point.name))
        shown = message if point.status == "failed" else ""
        cases.append(case(name, point.status, file=file, line=line, message=shown))
    return cases


def _name(text: str) -> str:
    return text.replace("\\#", "#").strip()
