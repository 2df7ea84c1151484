"""One file of a review as lines: each hunk below a line that tells its place and what was decided on it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from glmcode.review.decisions import Accept, Decision, Edit, Refuse
from glmcode.review.hunks import Hunk, ReviewFile
from glmcode.tui.lines.patch import patch_lines
from glmcode.tui.texts import text
from glmcode.tui.transcript.lines import Line, Run, flow
from glmcode_sandbox.clean import one_line
from glmcode_tools.filetext import lines_of, visible

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
    place = Run(f"  {_place(file, hunk)}", "dim")
    return flow([Run(f"{mark} {said}", style), place], width)


def lines_place(hunk: Hunk) -> str:
    """Which lines of the new file it has."""
    return text("review.place", first=hunk.new_start, last=hunk.new_start + max(0, hunk.new_count - 1))


def _place(file: ReviewFile, hunk: Hunk) -> str:
    match hunk.kind:
        case "mode":
            assert file.new is not None
            return text("review.executable" if file.new[0] == "100755" else "review.not_executable")
        case "whole":
            kind = "binary" if file.is_binary else "link" if file.is_link else file.status
            return text(f"review.whole_{kind}", lines=len(hunk.lines))
        case "lines":
            heading = f"  {one_line(hunk.heading, 60)}" if hunk.heading.strip() else ""
            return lines_place(hunk) + heading


@lru_cache(maxsize=2048)
def _body(hunk: Hunk, edited: str | None, width: int) -> tuple[Line, ...]:
    if not hunk.lines:
        return ()
    changed = hunk if edited is None else None
    rows = [f"@@ -{hunk.old_start},1 +{hunk.new_start},1 @@"]
    if changed is not None:
        rows += [row for line in changed.lines for row in _rows(line.kind, line.text)]
    else:
        rows += [row for line in lines_of(hunk.old_text) for row in _rows("-", line)]
        rows += [row for line in lines_of(edited or "") for row in _rows("+", line)]
    return tuple(patch_lines("\n".join(rows), width))


def _rows(kind: str, line: str) -> list[str]:
    """A line as a patch has it. What cannot be seen is written out, but for the line feed behind a carriage return."""
    bare = line.removesuffix("\n").removesuffix("\r")
    end = [] if line.endswith("\n") else [text("review.no_newline")]
    shown = visible(bare.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return [f"{kind}{shown}", *(f"\\ {each}" for each in end)]
