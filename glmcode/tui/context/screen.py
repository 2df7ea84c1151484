"""How the model's window is filled, over the conversation, and growing with it."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from glmcode.tui.context.chart import Fill, chart
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

LOOK_S = 0.5
"""So often it looks for what changed."""


class ContextScreen(ModalScreen[None]):
    """Escape puts it away."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (26, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+c", "dismiss", priority=True)]

    def __init__(self, look: Callable[[], Fill]) -> None:
        """`look` gives what there is to show now."""
        super().__init__()
        self._look = look
        self._fill = look()

    def compose(self) -> ComposeResult:
        with Vertical():
            title = f"{text('context.title')} · {one_line(self._fill.status.model, 60)}"
            yield Static(title, markup=False, classes="title")
            with VerticalScroll():
                yield Static(markup=False, classes="chart")
            yield Static(text("context.keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        self.set_interval(LOOK_S, self._look_again)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _look_again(self) -> None:
        if (fill := self._look()) != self._fill:
            self._fill = fill
            self._draw()

    def _draw(self) -> None:
        room = self.query_one(VerticalScroll).scrollable_content_region
        self.query_one(".chart", Static).update(chart(self._fill, room.width))
