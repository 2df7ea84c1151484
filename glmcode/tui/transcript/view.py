"""The widget of the conversation: takes events, keeps the reader's place, opens, finds and copies entries."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from glmcode.tui.transcript.copying import raw_code, raw_text
from glmcode.tui.transcript.entries import Answer, Entry, Level
from glmcode.tui.transcript.entry_lines import folds
from glmcode.tui.transcript.fold import Transcript
from glmcode.tui.transcript.page_view import PageView
from glmcode.tui.transcript.searching import Search
from glmcode.tui.transcript.selecting import at

if TYPE_CHECKING:
    from glmcode.events import Event

LAYOUTS_PER_SECOND = 30
_REST = 2
"""After laying out and drawing the view rests so many times as long: at most a third of a core goes into it."""


class TranscriptView(PageView):
    """Give it events with `apply`, prompts with `user`; it keeps the conversation as a `Transcript`.

    It follows the end while the reader is at the end, and else shows how much is new below.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,alt+up", "previous_entry", show=False),
        Binding("down,alt+down", "next_entry", show=False),
        Binding("enter,space", "open_or_fold", show=False),
        Binding("escape", "leave", show=False),
    ]

    class EntryToggled(Message):
        """The reader opened or folded an entry."""

        def __init__(self, index: int, opened: bool) -> None:
            super().__init__()
            self.index = index
            self.opened = opened

    class Left(Message):
        """The reader is done with looking: the prompt may take the focus."""

    def __init__(self, *, id: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.transcript = Transcript()
        super().__init__(self.transcript.entries, id=id)
        self._clock = clock
        self._changed: set[int] = set()
        self._busy = False
        """Whether a layout is under way: due, or not yet drawn."""
        self._next_layout = 0.0

    @property
    def at_end(self) -> bool:
        """Whether the reader is at the end, and the view follows it."""
        return self.follows

    @property
    def new_below(self) -> int:
        """How many entries have changed or joined below what is in sight."""
        return len(self.below)

    def apply(self, event: "Event") -> None:
        """Something happened. Cheap; what many events change is laid out at once, some 30 times a second."""
        self._take(self.transcript.apply(event, self._clock()))

    def user(self, prompt: str) -> None:
        """The user said something; the view goes to the end."""
        self.follows = True
        self._take(self.transcript.user(prompt))

    def note(self, level: Level, line: str) -> None:
        """Show a line of the interface itself."""
        self._take(self.transcript.note(level, line))

    def show(self, transcript: Transcript) -> None:
        """Show another conversation, from its end."""
        self.transcript = transcript
        self._changed = set()
        self.replace_page(transcript.entries)

    def find(self, needle: str, *, backwards: bool = False) -> bool:
        """Go to the next place that has `needle`, whatever the case of its letters; again: to the one after it.

        False: there is none.
        """
        self.lay_out_changes()
        if self.search is None or self.search.text != needle:
            self.end_search()
            self.search = Search(needle, self.transcript.entries, lambda: self.page)
        start = self.first_in_sight()[0] if self.cursor is None else self.cursor
        found = self.search.step(start, backwards=backwards) if needle and self.transcript.entries else None
        if found is None:
            return False
        self.cursor, self.follows = found.entry, False
        self.page.forget_strips()
        self.settle(self.first_in_sight())
        self.bring_into_view(found.entry, found.line)
        return True

    def end_search(self) -> None:
        """Forget the search; what it opened is folded again, but for the place where it stopped."""
        if self.search is not None:
            anchor = self.first_in_sight()
            self.search.end()
            self.search = None
            self.page.forget_strips()
            self.settle(anchor)

    def copy_raw(self) -> str | None:
        """The Markdown, diff or output of the entry at the cursor, else of the last answer.

        Clean of everything that acts on a terminal. None: there is no such thing.
        """
        return next(map(raw_text, self._copied()), None)

    def copy_code(self, number: int | None = None) -> str | None:
        """A code block of the entry at the cursor, else of the last answer with code: the last, or that number."""
        blocks = next(filter(None, map(raw_code, self._copied())), [])
        return next(iter(blocks[-1:] if number is None else blocks[number - 1 : number]), None)

    def _copied(self) -> Iterator[Entry]:
        """What may be meant, the likeliest first."""
        entries = self.transcript.entries
        if self.cursor is not None:
            return iter([entries[self.cursor]])
        return (each for each in reversed(entries) if isinstance(each, Answer))

    def toggle(self, index: int) -> None:
        """Open or fold an entry, if there is something in it."""
        if not folds(self.transcript.entries[index]):
            return
        opened = not self.page.is_open(index)
        anchor = self.first_in_sight()
        self.page.fold(index, opened)
        self.follows = False  # what was opened is looked at, even when it is the last
        self.settle(anchor)
        self.follows = self.top_line >= self.page.height - self.size.height
        self.post_message(self.EntryToggled(index, opened))

    def lay_out_changes(self) -> None:
        """Bring what is on screen up to date, now."""
        changed, self._changed = self._changed, set()
        if not changed:
            return
        anchor = self.first_in_sight()
        self.page.change(changed)
        self.below |= changed
        self.settle(anchor)

    def action_open_or_fold(self) -> None:
        if self.cursor is not None:
            self.toggle(self.cursor)

    def action_leave(self) -> None:
        self._set_cursor(None)
        self.end_search()
        self.post_message(self.Left())

    def action_previous_entry(self) -> None:
        self._step(-1)

    def action_next_entry(self) -> None:
        self._step(1)

    def on_click(self, event: events.Click) -> None:
        label = self.below_label
        if label and event.y == self.size.height - 1 and event.x >= self.size.width - cell_len(label) - 2:
            self.action_scroll_end()
            return
        offset = event.style.meta.get("offset")
        if offset is None or self.text_selection is not None:
            return
        index, line = at(offset[1])
        self._set_cursor(index)
        if line == self.page.gap(index):
            self.toggle(index)

    def _step(self, way: int) -> None:
        """To the next entry there is something of; through one that is taller than the view, by half of the view."""
        page, top, height = self.page, self.top_line, self.size.height
        index = self.cursor
        if index is not None:
            first, last = page.top(index), page.top(index + 1)
            if (way > 0 and top < last and last > top + height) or (way < 0 and first < top < last):
                self.move_to(top + way * max(1, height // 2))
                return
        index = (
            (page.locate(top + height - 1)[0] + 1 if way < 0 else page.locate(top)[0] - 1) if index is None else index
        )
        index += way
        while 0 <= index < len(page) and not page.entry_height(index):
            index += way
        if 0 <= index < len(page):
            self._set_cursor(index)
            self.bring_into_view(index, page.gap(index) if way > 0 else page.entry_height(index) - 1)

    def _set_cursor(self, index: int | None) -> None:
        for each in (self.cursor, index):
            if each is not None:
                self.page.forget_strips_of(each)
        self.cursor = index
        self.refresh()

    def _take(self, changed: set[int]) -> None:
        self._changed |= changed
        if changed and not self._busy and self.is_attached:
            self._busy = True
            self._schedule()

    def _schedule(self) -> None:
        wait = self._next_layout - time.monotonic()
        if wait <= 0:
            self.call_next(self._lay_out_and_draw)
        else:
            self.set_timer(wait, self._lay_out_and_draw)

    def _lay_out_and_draw(self) -> None:
        began = time.thread_time()
        self._next_layout = time.monotonic() + 1 / LAYOUTS_PER_SECOND
        self.lay_out_changes()
        self.call_after_refresh(self._rest, began)

    def _rest(self, began: float) -> None:
        self._next_layout = max(self._next_layout, time.monotonic() + _REST * (time.thread_time() - began))
        self._busy = bool(self._changed)
        if self._busy:
            self._schedule()
