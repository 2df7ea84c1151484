"""What decisions come to: the two trees that a review ends with, one agreed on and one that stays to work on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from glmcode.review.decisions import Accept, Decision, Decisions, Edit, Refuse, ReviewError
from glmcode.review.hunks import Hunk, ReviewFile
from glmcode_sandbox.git.trees import TreeStore
from glmcode_tools.filetext import display_name

Entry = tuple[str, str] | None
"""git's mode and object id; None where nothing is."""
_FILE_MODE = "100644"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both trees differ in what is undecided alone."""

    agreed: str
    """The old tree with what was accepted and edited."""
    kept: str
    """The new tree without what was refused, with what was edited; what is undecided is in it."""


async def outcome(trees: TreeStore, decisions: Decisions, scratch: Path) -> Outcome:
    """Make the trees; `scratch` is a folder for temporary files. Raises ReviewError, WorkspaceError."""
    review = decisions.review
    agreed: dict[str, Entry] = {}
    kept: dict[str, Entry] = {}
    for file in review.files:
        made = {hunk.id: decisions.of(hunk.id) for hunk in file.hunks}
        agreed[file.path] = await _entry(trees, file, made, undecided=Refuse())
        kept[file.path] = await _entry(trees, file, made, undecided=Accept())
    for files in (agreed, kept):
        _check_room(files)
    old = {file.path: file.old for file in review.files}
    new = {file.path: file.new for file in review.files}
    return Outcome(
        await trees.with_files(review.old, _changed(old, agreed), scratch),
        await trees.with_files(review.new, _changed(new, kept), scratch),
    )


def _changed(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> dict[str, Entry]:
    return {path: entry for path, entry in after.items() if entry != before[path]}


def _check_room(files: Mapping[str, Entry]) -> None:
    """No file can lie below another. Raises ReviewError."""
    there = {path for path, entry in files.items() if entry is not None}
    for path in sorted(there):
        for end in (place for place, char in enumerate(path) if char == "/"):
            if path[:end] in there:
                raise ReviewError(
                    f"{display_name(path)} and {display_name(path[:end])} cannot both be there: "
                    "accept or refuse both changes"
                )


async def _entry(
    trees: TreeStore, file: ReviewFile, made: Mapping[str, Decision | None], *, undecided: Decision
) -> Entry:
    """What the file is with these decisions."""
    chosen = {hunk.id: made[hunk.id] or undecided for hunk in file.hunks}
    first = file.hunks[0]
    if first.kind == "whole":
        return await _whole(trees, file, chosen[first.id])
    assert file.old is not None and file.new is not None
    mode = file.new[0] if first.kind == "mode" and isinstance(chosen[first.id], Accept) else file.old[0]
    lines = [(hunk, chosen[hunk.id]) for hunk in file.hunks if hunk.kind == "lines"]
    if all(isinstance(decision, Refuse) for _, decision in lines):
        return mode, file.old[1]
    if all(isinstance(decision, Accept) for _, decision in lines):
        return mode, file.new[1]
    text = (await trees.blob(file.old[1])).decode("utf-8", "surrogateescape")
    return mode, await trees.new_blob(spliced(text, lines).encode("utf-8", "surrogateescape"))


async def _whole(trees: TreeStore, file: ReviewFile, decision: Decision) -> Entry:
    match decision:
        case Accept():
            return file.new
        case Refuse():
            return file.old
        case Edit(text=text):
            mode = file.new[0] if file.new is not None else _FILE_MODE
            return mode, await trees.new_blob(text.encode("utf-8", "surrogateescape"))


def spliced(old: str, lines: list[tuple[Hunk, Decision]]) -> str:
    """The text of a file with a decision for each of its hunks, which are in order."""
    return "".join(_pieces(lines_of(old), lines))


def lines_of(text: str) -> list[str]:
    """The lines with their ends; only a line feed ends one."""
    rows = text.split("\n")
    return [*(f"{row}\n" for row in rows[:-1]), *([rows[-1]] if rows[-1] else [])]


def _pieces(rows: list[str], lines: list[tuple[Hunk, Decision]]) -> Iterator[str]:
    place = 0
    for hunk, decision in lines:
        begin = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        yield from rows[place:begin]
        place = begin + hunk.old_count
        match decision:
            case Accept():
                yield hunk.new_text
            case Refuse():
                yield hunk.old_text
            case Edit(text=text):
                goes_on = place < len(rows) and bool(text) and not text.endswith("\n")
                yield text + (_line_end(hunk) if goes_on else "")
    yield from rows[place:]


def _line_end(hunk: Hunk) -> str:
    return "\r\n" if hunk.lines and hunk.lines[0].text.endswith("\r\n") else "\n"
