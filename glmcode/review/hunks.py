"""What a review is about: the difference of two trees as files and hunks that are decided on one by one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import Literal

from glmcode_sandbox.git.trees import ChangeStatus, Difference, TreeStore
from glmcode_sandbox.workspace import Workspace

LineKind = Literal[" ", "+", "-"]
HunkKind = Literal["lines", "mode", "whole"]

_PLACE = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)\n", re.DOTALL)
_APART = 3
"""So many unchanged lines between two changes make them two things to decide on; git joins up to six."""
LINK_MODE = "120000"
"""git's mode of a symbolic link."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk. Untrusted."""

    kind: LineKind
    text: str
    """With its line end, if it has one; bytes that are no UTF-8 are surrogates."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One thing to decide on."""

    id: str
    """Unique in its review."""
    kind: HunkKind
    """lines: of a file that was and is there. mode: whether that file is executable. whole: a file that was added or
    deleted, that is no text, or that is or was a symbolic link."""
    old_start: int = 0
    """The first line before, from 1; that of the line in front where `old_count` is 0."""
    old_count: int = 0
    new_start: int = 0
    new_count: int = 0
    lines: tuple[Line, ...] = ()
    """Of a whole file all of it; none where it is no text."""
    heading: str = ""
    """The line that git takes for the beginning of the function around. Untrusted."""

    @property
    def old_text(self) -> str:
        return "".join(line.text for line in self.lines if line.kind != "+")

    @property
    def new_text(self) -> str:
        return "".join(line.text for line in self.lines if line.kind != "-")


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """A file that differs."""

    path: str
    """Relative, as git writes it; bytes that are no UTF-8 are surrogates. Untrusted."""
    status: Literal[ChangeStatus, "mode"]
    """type: a file became a symbolic link or the other way round. mode: nothing but its executable bit changed."""
    old: tuple[str, str] | None
    """git's mode and the object id; None where it was missing."""
    new: tuple[str, str] | None
    is_binary: bool
    """No text, or more of it than is compared line by line."""
    hunks: tuple[Hunk, ...]
    """In the order of their lines, that of the mode first. At least one."""

    @property
    def is_link(self) -> bool:
        """Whether it is or was a symbolic link."""
        return any(side is not None and side[0] == LINK_MODE for side in (self.old, self.new))


@dataclass(frozen=True, slots=True)
class Review:
    """The difference of two trees."""

    old: str
    new: str
    files: tuple[ReviewFile, ...]

    def hunks(self) -> Iterator[tuple[ReviewFile, Hunk]]:
        """All hunks in order, each with its file."""
        for file in self.files:
            for hunk in file.hunks:
                yield file, hunk


async def open_review(workspace: Workspace, since: str | None = None) -> Review:
    """What changed in a workspace since it was last agreed on, or since the tree `since` (direct only).

    Raises WorkspaceError.
    """
    await workspace.ready()
    if since is not None and workspace.mode == "isolated":
        raise ValueError("what an isolated workspace changed is reviewed since its agreed tree")
    return await compare(workspace.trees, since or workspace.agreed_tree, await workspace.tree())


async def compare(trees: TreeStore, old: str, new: str) -> Review:
    """The difference of two trees. Raises WorkspaceError."""
    differences = await trees.every_difference(old, new)
    sections = _sections(await trees.lines(old, new))
    files = []
    for number, item in enumerate(differences):
        parts = [next(sections) for _ in range(2 if item.status == "type" else 1)]
        if not item.is_submodule:
            files.append(_file(str(number), item, parts))
    if (left := next(sections, None)) is not None:
        raise ValueError(f"git printed more sections than files: {left.header[:1]!r}")
    return Review(old, new, tuple(files))


@dataclass(frozen=True, slots=True)
class _Section:
    """What git prints of one file."""

    header: tuple[bytes, ...]
    hunks: tuple[Hunk, ...]


def _sections(patch: bytes) -> Iterator[_Section]:
    rows = patch.split(b"\n")
    rows = [row + b"\n" for row in rows[:-1]]
    place = 0
    while place < len(rows):
        # The first row of a section begins with `diff --git`, and so does no other of its header.
        header = (rows[place], *takewhile(_is_header, rows[place + 1 :]))
        place += len(header)
        hunks: list[Hunk] = []
        while place < len(rows) and (found := _PLACE.fullmatch(rows[place])):
            hunk, place = _hunk(found, rows, place + 1)
            hunks += _parted(hunk)
        yield _Section(header, tuple(hunks))


def _is_header(row: bytes) -> bool:
    return not row.startswith((b"@@ ", b"diff --git "))


def _hunk(found: re.Match[bytes], rows: list[bytes], place: int) -> tuple[Hunk, int]:
    """The hunk whose first row matched, the others beginning at `place`; and where the next one begins."""
    old_start, old_count, new_start, new_count = (1 if part is None else int(part) for part in found.groups()[:4])
    old_left, new_left = old_count, new_count
    lines: list[Line] = []
    while old_left or new_left or (place < len(rows) and rows[place].startswith(b"\\")):
        row = rows[place]
        place += 1
        if row.startswith(b"\\"):
            lines[-1] = Line(lines[-1].kind, lines[-1].text[:-1])
            continue
        kind: LineKind = "+" if row[:1] == b"+" else "-" if row[:1] == b"-" else " "
        old_left -= kind != "+"
        new_left -= kind != "-"
        lines.append(Line(kind, _text(row[1:])))
    heading = _text(found[5])
    return Hunk("", "lines", old_start, old_count, new_start, new_count, tuple(lines), heading), place


def _parted(hunk: Hunk) -> Iterator[Hunk]:
    """The hunk in parts that stand apart; together they have its lines, and each has some of those between them."""
    changed = [place for place, line in enumerate(hunk.lines) if line.kind != " "]
    cuts = [(last + following + 1) // 2 for last, following in pairwise(changed) if following - last > _APART]
    old, new = hunk.old_start, hunk.new_start
    for number, (begin, end) in enumerate(pairwise([0, *cuts, len(hunk.lines)])):
        lines = hunk.lines[begin:end]
        old_count, new_count = (sum(line.kind != other for line in lines) for other in ("+", "-"))
        yield Hunk("", "lines", old, old_count, new, new_count, lines, "" if number else hunk.heading)
        old, new = old + old_count, new + new_count


def _file(number: str, item: Difference, sections: list[_Section]) -> ReviewFile:
    found = [hunk for section in sections for hunk in section.hunks]
    is_binary = any(row.startswith(b"Binary files ") for section in sections for row in section.header)
    old, new = item.old, item.new
    if old is None or new is None or is_binary or LINK_MODE in (old[0], new[0]):
        lines = tuple(line for hunk in found for line in hunk.lines)
        old_count, new_count = (sum(line.kind != other for line in lines) for other in ("+", "-"))
        whole = Hunk(f"{number}.0", "whole", min(old_count, 1), old_count, min(new_count, 1), new_count, lines)
        return ReviewFile(item.path, item.status, old, new, is_binary, (whole,))
    hunks = [] if old[0] == new[0] else [Hunk("", "mode")]
    hunks += found
    named = tuple(replace(hunk, id=f"{number}.{place}") for place, hunk in enumerate(hunks))
    status: Literal[ChangeStatus, "mode"] = item.status if found else "mode"
    return ReviewFile(item.path, status, old, new, is_binary, named)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
