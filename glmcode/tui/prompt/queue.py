"""The strip above the prompt: messages that wait for the running turn to end."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

MAX_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that waits."""

    id: int
    text: str


class QueueStrip(Vertical):
    """Shows what waits; the application owns the queue and answers the messages."""

    class TakeBack(Message):
        """The message shall leave the queue and stand in the box again: see `PromptBox.put`."""

        def __init__(self, id: int) -> None:
            super().__init__()
            self.id = id

    class Removed(Message):
        """The message shall leave the queue."""

        def __init__(self, id: int) -> None:
            super().__init__()
            self.id = id

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self._queue: tuple[Queued, ...] = ()

    @property
    def last(self) -> Queued | None:
        return self._queue[-1] if self._queue else None

    def say_again(self) -> None:
        for label in self.query(".label").results(Static):
            label.update(text("queue.waits"))
        for more in self.query(".more").results(Static):
            more.update(text("queue.more", count=len(self._queue) - MAX_SHOWN))

    async def show(self, queue: Sequence[Queued]) -> None:
        """Show this queue, first to be sent first."""
        self._queue = tuple(queue)
        self.display = bool(queue)
        rows: list[Horizontal | Static] = [QueueRow(one) for one in queue[:MAX_SHOWN]]
        if more := len(queue) - MAX_SHOWN:
            rows += [Static(text("queue.more", count=more), markup=False, classes="more")] if more > 0 else []
        async with self.batch():
            await self.remove_children()
            await self.mount_all(rows)

    @on(events.Click, ".text")
    def _take_back(self, event: events.Click) -> None:
        if event.widget is not None and isinstance(row := event.widget.parent, QueueRow):
            self.post_message(self.TakeBack(row.queued.id))

    @on(events.Click, ".remove")
    def _remove(self, event: events.Click) -> None:
        if event.widget is not None and isinstance(row := event.widget.parent, QueueRow):
            self.post_message(self.Removed(row.queued.id))


class QueueRow(Horizontal):
    """One waiting message: its beginning, and a cross that removes it."""

    def __init__(self, queued: Queued) -> None:
        super().__init__()
        self.queued = queued

    def compose(self) -> ComposeResult:
        yield Static(text("queue.waits"), markup=False, classes="label")
        yield Static(one_line(self.queued.text, 400), markup=False, classes="text")
        yield Static("✕", markup=False, classes="remove")
