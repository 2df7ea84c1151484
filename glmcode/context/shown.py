"""Reads back from a pack's text what it shows of each file."""

import re
from dataclasses import dataclass

from glmcode.context.render import MAP_TITLE

_PARTS = re.compile(r"^(.+) \(parts of \d+ lines\)$")
_CUT = re.compile(r"^(.+) \(the first \d+ of \d+ bytes; read the file for the rest\)$")
_GAP = re.compile(r"(\.{3,}) lines \d+-\d+(?:: .*)?$")


@dataclass(frozen=True, slots=True)
class Shown:
    """Lines of a file in order."""

    path: str
    lines: tuple[str, ...]
    gaps: frozenset[int] = frozenset()
    """Places in `lines` before which others are left out; the number of lines itself for its end."""


def shown_of(title: str, text: str) -> Shown | None:
    """What a block with this title shows; None where it shows no file. `text` may begin with a section's heading."""
    if title == MAP_TITLE:
        return None
    body = text[text.index(f"### {title}\n") :].removesuffix("\n\n").split("\n")[2:-1]
    if (parts := _PARTS.match(title)) is not None:
        return _with_gaps(parts[1], body)
    if (cut := _CUT.match(title)) is not None:
        return Shown(cut[1], tuple(body), frozenset({len(body)}))
    return Shown(title, tuple(body))


def _with_gaps(path: str, body: list[str]) -> Shown:
    # The mark of a file begins none of its lines, so it is the longest run of dots there is.
    mark = max((match[1] for line in body if (match := _GAP.match(line))), key=len, default="")
    lines: list[str] = []
    gaps: set[int] = set()
    for line in body:
        if mark and line.startswith(f"{mark} "):
            gaps.add(len(lines))
        else:
            lines.append(line)
    return Shown(path, tuple(lines), frozenset(gaps))
