"""What the model is told of a review."""

from collections.abc import Iterator

from glmcode.review.decisions import Accept, Decisions, Edit, Refuse
from glmcode.review.hunks import Hunk, ReviewFile
from glmcode.review.outcome import lines_of
from glmcode_prompts.library import fenced, load
from glmcode_sandbox.clean import clean_text
from glmcode_tools.filetext import display_name, unified_diff

_DIFF_LINES = 200
_WHOLE = {"added": "the new file", "deleted": "its deletion", "modified": "its new content", "type": "its new type"}


def told_to_the_model(decisions: Decisions) -> str:
    """One line where all was accepted, else per file and lines what was decided; empty where nothing was.

    For the start of the next user message. Line numbers are those of the model's version.
    """
    made = [decisions.of(hunk.id) for _, hunk in decisions.review.hunks()]
    if not any(made):
        return ""
    if all(isinstance(decision, Accept) for decision in made):
        return load("review/accepted")
    points = [point for file in decisions.review.files for point in _points(file, decisions)]
    text = load("review/reviewed", decisions="\n".join(points))
    # No server takes what is left of bytes that are no UTF-8.
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _points(file: ReviewFile, decisions: Decisions) -> Iterator[str]:
    rest: dict[str, list[Hunk]] = {"accepted": [], "not decided yet, still there": []}
    accepted, undecided = rest.values()
    for hunk in file.hunks:
        match decisions.of(hunk.id):
            case Refuse(reason=reason):
                why = clean_text(reason).strip().replace("\n", "\n  ")
                yield load("review/refused", place=_place(file, [hunk]), reason=f": {why}" if why else "")
            case Edit(text=text):
                diff = fenced(_diff(hunk, text))
                yield load("review/edited", place=_place(file, [hunk]), diff=diff)
            case Accept():
                accepted.append(hunk)
            case None:
                undecided.append(hunk)
    for state, hunks in rest.items():
        if hunks:
            yield load("review/rest", place=_place(file, hunks), state=state)


def _diff(hunk: Hunk, text: str) -> str:
    """What the person made of the model's version, without the names of the file."""
    old, new = (lines_of(side) for side in (hunk.new_text, text))
    rows = unified_diff(old, new, "", context=2)[0].split("\n")[2:-1]
    left_out = len(rows) - _DIFF_LINES
    return "\n".join(rows if left_out <= 0 else [*rows[:_DIFF_LINES], f"... {left_out} more lines"])


def _place(file: ReviewFile, hunks: list[Hunk]) -> str:
    name = display_name(file.path)
    if len(hunks) == len(file.hunks) and len(hunks) > 1:
        return name
    parts = [_WHOLE[file.status] if hunk.kind == "whole" else _lines(file, hunk) for hunk in hunks]
    return f"{name}, {', '.join(parts)}"


def _lines(file: ReviewFile, hunk: Hunk) -> str:
    if hunk.kind == "mode":
        assert file.new is not None
        return "being executable" if file.new[0] == "100755" else "no longer being executable"
    changed = []
    number = hunk.new_start
    for line in hunk.lines:
        if line.kind == "+":
            changed.append(number)
        number += line.kind != "-"
    if not changed:
        before = next(place for place, line in enumerate(hunk.lines) if line.kind == "-")
        return f"lines removed before line {hunk.new_start + before}" if hunk.new_count else "all lines removed"
    return f"line {changed[0]}" if changed[0] == changed[-1] else f"lines {changed[0]}-{changed[-1]}"
