"""Text selection in a page: places that stay right while the page moves, and the text between two of them."""

from textual.geometry import Offset
from textual.selection import Selection

from glmcode.tui.transcript.page import Page
from glmcode.tui.transcript.painting import GUTTER, Marked

_LINE_BITS = 24


def place(index: int, line: int) -> int:
    """An entry and a line in it as one number in reading order: what Textual takes for the row of a selection."""
    return index << _LINE_BITS | line


def at(row: int) -> tuple[int, int]:
    """The entry and the line that `place` made a row of."""
    return row >> _LINE_BITS, row & (1 << _LINE_BITS) - 1


def selected_part(selection: Selection, index: int, line: int, lead_chars: int) -> Marked | None:
    """What of a line is selected; decoration never is."""
    span = selection.get_span(place(index, line))
    if span is None:
        return None
    start, end = span
    return Marked(max(start, GUTTER + lead_chars), None if end == -1 else end, "selection")


def selected_text(page: Page, selection: Selection) -> str:
    """The selected text as it was written: lines that were only broken for the screen are joined again."""
    if not len(page):
        return ""
    first, last = (at(offset.y) if offset is not None else None for offset in (selection.start, selection.end))
    pieces: list[str] = []
    for index in range(first[0] if first else 0, min(last[0] if last else len(page), len(page) - 1) + 1):
        for number, line in enumerate(page.lay(index).lines):
            if (first and (index, number) < first) or (last and (index, number) > last):
                continue
            text = line.text
            skipped = GUTTER + line.lead_chars
            end = _cut(selection.end, skipped) if (index, number) == last else len(text)
            start = _cut(selection.start, skipped) if (index, number) == first else 0
            if pieces:
                pieces.append("\n" if line.joins is None else line.joins)
            pieces.append(text[start:end])
    return "".join(pieces)


def _cut(offset: Offset | None, skipped: int) -> int:
    return max(0, (offset.x if offset is not None else 0) - skipped)
