"""What an edit changed, from the unified diff that the session keeps, as pairs of old and new text."""

import re
from collections.abc import Iterator

from acp.schema import FileEditToolCallContent

from glmcode.editor.acp.texts import harmless

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*$", re.MULTILINE)
_NO_NEWLINE = "\\ No newline at end of file"


def pair(path: str, old: str | None, new: str) -> FileEditToolCallContent:
    """One change; `old` is None for a new file. `path` is absolute."""
    before = None if old is None else harmless(old)
    return FileEditToolCallContent(type="diff", path=path, old_text=before, new_text=harmless(new))


def pairs(diff: str, path: str, *, created: bool = False) -> list[FileEditToolCallContent]:
    """One pair a hunk, context lines on both sides; of a clipped diff the hunks as far as they go."""
    found = []
    for hunk in _HUNK.split(diff)[1:]:
        old, new = _sides(hunk)
        found.append(pair(path, None if created else old, new))
    return found


def _sides(hunk: str) -> tuple[str, str]:
    sides: dict[str, list[str]] = {"-": [], "+": []}
    last = ""
    for line in _lines(hunk):
        if line == _NO_NEWLINE:
            for side in "-+" if last == " " else last:
                sides[side][-1] = sides[side][-1].removesuffix("\n")
            continue
        last = line[:1]
        for side in "-+":
            if last in (side, " "):
                sides[side].append(f"{line[1:]}\n")
    return "".join(sides["-"]), "".join(sides["+"])


def _lines(hunk: str) -> Iterator[str]:
    """The lines of a hunk up to where it was clipped, a mark being the first character of each."""
    for line in hunk.strip("\n").split("\n"):
        if line[:1] not in (" ", "+", "-", "\\"):
            return
        yield line
