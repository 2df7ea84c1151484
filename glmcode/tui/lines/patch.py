"""A patch of several files as lines: the name of each file, then its changes with numbers and colours."""

import re
from collections.abc import Iterator
from itertools import takewhile

from glmcode.tui.transcript.diff import diff_lines
from glmcode.tui.transcript.lines import Line, line

_SECTION = "diff --git "
_SIDES = (re.compile(r'\+\+\+ ("?)b/(.*)'), re.compile(r'--- ("?)a/(.*)'))
"""Where a header names the file as it is after and before; odd names are in quotes."""


def patch_lines(patch: str, width: int) -> list[Line]:
    """The clean text of a patch as git prints it, or of one unified diff."""
    found: list[Line] = []
    for name, body in _sections(patch):
        if name:
            found += [Line()] if found else []
            found.append(line(name, "heading"))
        found += diff_lines(body, width) or ([line("…", "dim")] if name else [])
    return found


def _sections(patch: str) -> Iterator[tuple[str, str]]:
    """The name and the text of each file; no name where the patch tells none by `diff --git`."""
    rows: list[str] = []
    for row in patch.split("\n"):
        if row.startswith(_SECTION) and rows:
            yield _name(rows), "\n".join(rows)
            rows = []
        rows.append(row)
    yield _name(rows), "\n".join(rows)


def _name(rows: list[str]) -> str:
    if not rows[0].startswith(_SECTION):
        return ""
    header = list(takewhile(lambda row: not row.startswith("@@ "), rows))
    for side in _SIDES:
        for row in header:
            if found := side.fullmatch(row):
                return "".join(found.groups()).rstrip("\t")
    # No side is told where nothing is compared by lines. Both names are the same then: each is half of what is told.
    both = header[0].removeprefix(_SECTION)
    return both[len(both) // 2 + 1 :].removeprefix("b/")
