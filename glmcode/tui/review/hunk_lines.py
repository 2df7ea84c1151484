"""One file of a review as lines: each hunk below a line that tells its place and what was decided on it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from glmcode.review.decisions import Accept, Decision, Edit, Refuse
from glmcode.review.hunks import Hunk, ReviewFile
from glmcode.tui.lines.patch import patch_lines
from glmcode.tui.review.hunk_text import hunk_place, patch_rows
from glmcode.tui.texts import text
from glmcode.tui.transcript.lines import Line, Run, flow
from glmcode_sandbox.clean import one_line
from glmcode_tools.filetext import lines_of

_REASON_CHARS = 200


@dataclass(frozen=True, slots=True)
class LaidFile:
    """The lines, and which of them each hunk has."""

    lines: list[Line]
    places: dict[str, range]


def lay_file(file: ReviewFile, decided: Callable[[str], Decision | None], width: int) -> LaidFile:
    """`decided`: the decision on a hunk, by its id."""
    lines: list[Line] = []
    places: dict[str, range] = {}
    for hunk in file.hunks:
        if lines:
            lines.append(Line())
        start = len(lines)
        decision = decided(hunk.id)
        lines += _head(file, hunk, decision, width)
        lines += _body(hunk, decision.text if isinstance(decision, Edit) else None, width)
        places[hunk.id] = range(start, len(lines))
    return LaidFile(lines, places)


def _head(file: ReviewFile, hunk: Hunk, decision: Decision | None, width: int) -> list[Line]:
    match decision:
        case None:
            mark, style, said = "○", "dim", text("review.undecided")
        case Accept():
            mark, style, said = "✓", "ok", text("review.accepted")
        case Refuse(reason=reason):
            why = one_line(reason, _REASON_CHARS)
            mark, style, said = "✗", "error", text("review.refused") + (f": {why}" if why else "")
        case Edit():
            mark, style, said = "✎", "accent", text("review.edited")
    place = Run(f"  {hunk_place(file, hunk)}", "dim")
    return flow([Run(f"{mark} {said}", style), place], width)


@lru_cache(maxsize=2048)
def _body(hunk: Hunk, edited: str | None, width: int) -> tuple[Line, ...]:
    if not hunk.lines:
        return ()
    changed = hunk if edited is None else None
    rows = [f"@@ -{hunk.old_start},1 +{hunk.new_start},1 @@"]
    if changed is not None:
        rows += [row for line in changed.lines for row in patch_rows(line.kind, line.text)]
    else:
        rows += [row for line in lines_of(hunk.old_text) for row in patch_rows("-", line)]
        rows += [row for line in lines_of(edited or "") for row in patch_rows("+", line)]
    return tuple(patch_lines("\n".join(rows), width))
