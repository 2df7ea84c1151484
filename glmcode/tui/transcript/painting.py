"""Draws lines in colours: strips of segments as wide as the view."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from glmcode.tui.transcript.lines import Line

_NAMES = """
    user user-mark heading heading-1 heading-2 heading-3 strong em strike link quote rule marker thinking dim output
    code code-inline code-keyword code-string code-comment code-number code-name code-builtin added removed gutter
    call call-running call-ok call-error call-refused ok error warning todo-pending todo-in-progress todo-done
    cursor match match-current selection below
"""
STYLES = tuple(_NAMES.split())
"""Of lines and marks; each is a component class `transcript--NAME` of the view."""
GUTTER = 2
"""Columns at the left, for the mark of the entry that has the cursor."""


class Marked(NamedTuple):
    """A part of a line that is drawn differently; characters are counted from the start of the gutter."""

    start: int
    end: int | None
    """None: up to the end of the text."""
    style: str


class Palette:
    """Styles by their names; combinations are kept."""

    def __init__(self, component: Callable[[str], Style], base: Style) -> None:
        self._component = component
        self._base = base
        self._known: dict[str, Style] = {}

    def __getitem__(self, names: str) -> Style:
        style = self._known.get(names)
        if style is None:
            style = sum((self._component(name) for name in names.split()), self._base)
            self._known[names] = style
        return style


def paint(line: Line, width: int, palette: Palette, *, cursor: bool, marked: Sequence[Marked] = ()) -> Strip:
    """`line` as a strip of exactly `width` cells."""
    gutter = Segment("▌ ", palette["cursor"]) if cursor else Segment("  ", palette[""])
    pieces = [(run.text, f"{line.fill} {run.style}".strip()) for run in (*line.lead, *line.runs)]
    for mark in marked:
        pieces = list(_overlaid(pieces, mark))
    segments = [gutter, *(Segment(text, palette[style]) for text, style in pieces)]
    return Strip(segments).adjust_cell_length(width, palette[line.fill])


def _overlaid(pieces: Iterable[tuple[str, str]], mark: Marked) -> Iterable[tuple[str, str]]:
    """The pieces, cut where the marked part begins and ends."""
    position = GUTTER
    for text, style in pieces:
        start = max(0, mark.start - position)
        end = len(text) if mark.end is None else min(len(text), mark.end - position)
        position += len(text)
        if start >= end:
            yield text, style
            continue
        if start:
            yield text[:start], style
        yield text[start:end], f"{style} {mark.style}".strip()
        if end < len(text):
            yield text[end:], style
