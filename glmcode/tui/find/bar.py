"""One line to search the conversation with: the next or previous place, the view going there."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from glmcode.tui.texts import text
from glmcode.tui.transcript.view import TranscriptView


class FindBar(Horizontal):
    """Shown by `open`; Enter finds older places, Shift+Enter and the arrows go both ways, Escape ends it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", priority=True),
        Binding("enter,up,ctrl+p", "find(True)", priority=True),
        Binding("shift+enter,down,ctrl+n", "find(False)", priority=True),
    ]

    class Closed(Message):
        """The search is over."""

    def __init__(self, view: TranscriptView) -> None:
        super().__init__()
        self.display = False
        self._view = view

    def compose(self) -> ComposeResult:
        yield Static(text("find.label"), markup=False, classes="label")
        yield Input(compact=True)
        yield Static("", markup=False, classes="state")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False

    def say_again(self) -> None:
        self.query_one(".label", Static).update(text("find.label"))
        self._tell(text("find.keys"))

    def open(self, wanted: str = "") -> None:
        """Begin to search, at once where something is `wanted`."""
        self.display = True
        field = self.query_one(Input)
        field.value = wanted
        field.focus()
        self._tell(text("find.keys"))
        if wanted:
            self.action_find(True)

    def action_find(self, backwards: bool) -> None:
        wanted = self.query_one(Input).value
        found = bool(wanted) and self._view.find(wanted, backwards=backwards)
        self._tell(text("find.keys") if found or not wanted else text("find.nothing"))

    def action_close(self) -> None:
        self.display = False
        self._view.end_search()
        self.post_message(self.Closed())

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._tell(text("find.keys"))

    def _tell(self, state: str) -> None:
        self.query_one(".state", Static).update(state)
