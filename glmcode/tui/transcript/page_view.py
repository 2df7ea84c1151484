"""Scrolls and draws a page: lays out what comes into sight and stays where the reader is."""

from collections.abc import Callable
from typing import Any, ClassVar

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from glmcode.tui.texts import text
from glmcode.tui.transcript.entries import Entry
from glmcode.tui.transcript.page import Laid, Page
from glmcode.tui.transcript.painting import GUTTER, STYLES, Marked, Palette, paint
from glmcode.tui.transcript.searching import Search
from glmcode.tui.transcript.selecting import place, selected_part, selected_text

_MARGIN = 2
"""Columns at the right: an empty one and the scroll bar's."""


class PageView(ScrollView, can_focus=True):
    """A window on a page. Positions are lines of the page; they move when heights turn out other than estimated,
    so that what is kept is an anchor: an entry and a line in it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"transcript--{name}" for name in STYLES}

    def __init__(self, entries: list[Entry], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor: int | None = None
        """The entry that keys act on."""
        self.page = Page(entries, 80)
        self.search: Search | None = None
        self.follows = True
        """Whether the view stays at the end: while the reader is there."""
        self.below: set[int] = set()
        """Entries that changed or joined below what is in sight."""
        self._moving = False
        self._scroll_state: object = None
        self._palette: Palette | None = None

    @property
    def top_line(self) -> int:
        """The position of the first line in sight."""
        return round(self.scroll_y)

    @property
    def below_label(self) -> str:
        """What stands at the right of the last line while there is something new below; else nothing."""
        return text("transcript.new_below", count=len(self.below)) if self.below else ""

    def first_in_sight(self) -> tuple[int, int]:
        """The entry and the line in it at the top."""
        return self.page.locate(self.top_line)

    def replace_page(self, entries: list[Entry]) -> None:
        """Show other entries, from their end."""
        self.cursor, self.search, self.follows, self.below = None, None, True, set()
        self.page = Page(entries, self._page_width)
        self.settle((0, 0))

    def say_again(self) -> None:
        """The language changed: all lines are laid out anew, around the one at the top."""
        anchor = self.first_in_sight()
        self.page = Page(self.page.entries, self._page_width, self.page.folding)
        self.settle(anchor)

    def settle(self, anchor: tuple[int, int]) -> None:
        """Lay out what is in sight and put `anchor` to the top, or the end to the bottom where the view follows it."""
        height = self.size.height
        if not height:
            return
        page = self.page
        top = self._lay_end(height) if self.follows else self._lay_from(*anchor, height)
        self._moving = True
        try:
            self.virtual_size = Size(self.size.width, page.height)
            self.scroll_to(y=min(top, max(0, page.height - height)), force=True)
        finally:
            self._moving = False
        bottom = self.top_line + height
        self.below = set() if self.follows else {index for index in self.below if page.top(index + 1) > bottom}
        self.refresh()

    def bring_into_view(self, index: int, line: int) -> None:
        """Scroll until a line of an entry is in sight, with some lines around it."""
        self.page.lay(index)
        position = self.page.top(index) + line
        height = self.size.height
        if not self.top_line <= position < self.top_line + height - 1:
            self.move_to(position - height // 3)

    def move_to(self, position: int) -> None:
        """Scroll to a position as the reader does."""
        self.scroll_to(y=max(0, min(position, self.page.height - self.size.height)), force=True)

    def _lay_end(self, height: int) -> int:
        page = self.page
        filled = 0
        for index in reversed(range(len(page))):
            if filled >= height:
                break
            page.lay(index)
            filled += page.entry_height(index)
        return max(0, page.height - height)

    def _lay_from(self, index: int, line: int, height: int) -> int:
        page = self.page
        if not len(page):
            return 0
        page.lay(index)
        line = min(line, max(0, page.entry_height(index) - 1))
        filled = -line
        for below in range(index, len(page)):
            if filled >= height:
                break
            page.lay(below)
            filled += page.entry_height(below)
        if filled < height:  # the end is in sight: what is above it fills the rest
            return self._lay_end(height)
        return page.top(index) + line

    @property
    def _page_width(self) -> int:
        return self.size.width - GUTTER - _MARGIN

    def on_resize(self) -> None:
        if not self.size.width:
            return
        anchor = self.first_in_sight()
        if self._page_width != self.page.width:
            index, line = anchor
            before = max(1, self.page.entry_height(index)) if len(self.page) else 1
            self.page = Page(self.page.entries, self._page_width, self.page.folding)
            if len(self.page):
                self.page.lay(index)
                anchor = index, line * self.page.entry_height(index) // before
        self.settle(anchor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._moving or not self.size.height or round(old_value) == round(new_value):
            return
        self.follows = round(new_value) >= self.page.height - self.size.height
        if self.follows:
            self.settle((0, 0))
        else:
            self._settle_scrolled(up=new_value < old_value)

    def _settle_scrolled(self, *, up: bool) -> None:
        """Lay out what came into sight; what was in sight before keeps its place, whatever the heights turn out."""
        page, height = self.page, self.size.height
        index, line = self.first_in_sight()
        keep = index
        while keep < len(page) and not page.is_exact(keep) and page.top(keep) < self.top_line + height:
            keep += 1
        if keep >= len(page) or page.top(keep) >= self.top_line + height:
            keep = index  # a jump: nothing of it was laid out before
        row = page.top(keep) - self.top_line
        from_end = page.entry_height(index) - line
        for above in range(index, keep):
            page.lay(above)
        if keep == index and not page.is_exact(index):
            page.lay(index)
            row = -max(0, page.entry_height(index) - from_end) if up else -line
        self.settle(page.locate(max(0, page.top(keep) - row)))

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Never animated: positions move while heights become known."""
        super().scroll_to(x, y, **{**options, "animate": False})

    def _scroll_update(self, virtual_size: Size) -> None:
        """Textual calls this at every layout of the screen, each key in the prompt included, and draws the scroll bar
        and with it all that is beside it; here only where something has changed."""
        state = virtual_size, self.size, self.scroll_offset
        if state != self._scroll_state:
            self._scroll_state = state
            super()._scroll_update(virtual_size)

    def action_scroll_home(self) -> None:
        self.move_to(0)

    def action_scroll_end(self) -> None:
        self.follows = True
        self.settle((0, 0))

    def action_page_up(self) -> None:
        self.move_to(self.top_line - max(1, self.size.height - 2))

    def action_page_down(self) -> None:
        self.move_to(self.top_line + max(1, self.size.height - 2))

    # Drawing.

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are kept, which are drawn once: Textual would make each of them anew whenever one changed.

        The view has no border, padding or transparency that would have to be added.
        """
        strips = [self.render_line(y) for y in crop.line_range]
        background = self.background_colors[1]
        for each in self.get_line_filters():
            strips = [strip.apply_filter(each, background) for strip in strips]
        first, end = crop.column_span
        return strips if (first, end) == (0, self.region.width) else [strip.crop(first, end) for strip in strips]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        strip = self._drawn(self.top_line + y, width)
        if y == self.size.height - 1 and (label := self.below_label):
            segment = Segment(label, self._styles["below"])
            start = max(0, width - segment.cell_length - 2)
            strip = Strip.join([strip.crop(0, start), Strip([segment])]).adjust_cell_length(width, self._styles[""])
        return strip

    def _drawn(self, position: int, width: int) -> Strip:
        page = self.page
        if position >= page.height:
            return Strip.blank(width, self._styles[""])
        index, number = page.locate(position)
        laid = page.lay(index)
        if number >= len(laid.lines):
            return Strip.blank(width, self._styles[""])
        strip = laid.strips.get(number)
        if strip is None:
            cursor = index == self.cursor and number >= page.gap(index)
            marked = self._marked(index, number, laid)
            strip = paint(laid.lines[number], width, self._styles, cursor=cursor, marked=marked)
            strip = laid.keep(number, strip.apply_offsets(0, place(index, number)))
        return strip

    def _marked(self, index: int, number: int, laid: Laid) -> list[Marked]:
        found = self.search.marks(index, number, laid) if self.search is not None else []
        selection = self.text_selection
        if selection is not None:
            part = selected_part(selection, index, number, laid.lines[number].lead_chars)
            found += [part] if part is not None else []
        return found

    @property
    def _styles(self) -> Palette:
        if self._palette is None:
            component: Callable[[str], Any] = lambda name: self.get_component_rich_style(  # noqa: E731
                f"transcript--{name}", partial=True
            )
            self._palette = Palette(component, self.rich_style)
        return self._palette

    def notify_style_update(self) -> None:
        """Textual's call when a theme or a style changed."""
        super().notify_style_update()
        self._palette = None
        self.page.forget_strips()

    @property
    def allow_select(self) -> bool:
        return True

    def selection_updated(self, selection: Selection | None) -> None:
        """Textual's call while the reader selects."""
        self.page.forget_strips()
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What is selected, as it was written rather than as it is broken for the screen."""
        return selected_text(self.page, selection), "\n"
