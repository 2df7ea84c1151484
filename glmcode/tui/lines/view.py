"""Shows lines and draws only those in sight, however many there are."""

from collections.abc import Callable
from typing import Any, ClassVar

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from glmcode.tui.transcript.lines import Line
from glmcode.tui.transcript.painting import GUTTER, Palette, paint

_NAMES = ("added", "removed", "gutter", "dim", "strong", "accent", "ok", "error", "warning", "cursor", "heading")
_SCROLL_BAR = 1
_LEAST_WIDTH = 8
_AROUND = 2
"""Lines that stay in sight around what is revealed."""

Layout = Callable[[int], list[Line]]
"""The lines for a number of cells."""


class LinesView(ScrollView, can_focus=True):
    """Lines of styles `lines--NAME`. What is `marked` has a bar at its left."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{name}" for name in _NAMES}

    def __init__(self, lay: Layout = lambda width: [], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: list[Line] = []
        self.marked: range = range(0)
        self._lay = lay
        self._laid_for = 0
        self._palette: Palette | None = None

    @property
    def text_width(self) -> int:
        """Cells for the lines themselves."""
        return max(_LEAST_WIDTH, self.size.width - GUTTER - _SCROLL_BAR)

    def show(self, lay: Layout, *, keep_place: bool = False) -> None:
        """Show other lines, from their beginning or from where the reader is."""
        self._lay, self._laid_for = lay, 0
        self.marked = range(0)
        self._settle()
        if not keep_place:
            self.scroll_to(y=0, animate=False)

    def mark(self, lines: range) -> None:
        """Put the bar beside some lines and scroll to their beginning, or as much of them as there is room for."""
        self.marked = lines
        height = self.size.height
        top, bottom = round(self.scroll_y), round(self.scroll_y) + height
        if lines and (lines.start < top or min(lines.stop, lines.start + height - _AROUND) > bottom):
            self.scroll_to(y=max(0, lines.start - _AROUND), animate=False)
        self.refresh()

    def on_resize(self) -> None:
        self._settle()

    def _settle(self) -> None:
        width = self.text_width
        if self.size.width and width != self._laid_for:
            self._laid_for = width
            self.lines = self._lay(width)
            self.virtual_size = Size(self.size.width, len(self.lines))
            self.refresh()

    def render_line(self, y: int) -> Strip:
        at = y + round(self.scroll_y)
        width = self.size.width
        if at >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        return paint(self.lines[at], width, self._styles, cursor=at in self.marked)

    @property
    def _styles(self) -> Palette:
        if self._palette is None:
            component: Callable[[str], Any] = lambda name: self.get_component_rich_style(  # noqa: E731
                f"lines--{name}", partial=True
            )
            self._palette = Palette(component, self.rich_style)
        return self._palette

    def notify_style_update(self) -> None:
        """Textual's call when a theme or a style changed."""
        super().notify_style_update()
        self._palette = None
