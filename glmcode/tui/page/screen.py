"""A page of Markdown to read, over the conversation: Escape puts it away."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from glmcode.tui.texts import text
from glmcode.tui.transcript.entries import Answer
from glmcode.tui.transcript.fold import Transcript
from glmcode.tui.transcript.growing import Growing
from glmcode.tui.transcript.view import TranscriptView
from glmcode_sandbox.clean import one_line


class PageScreen(ModalScreen[None]):
    """Shows it as the conversation shows an answer, so that it is as quick and as harmless."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+c", "dismiss", priority=True)]

    def __init__(self, title: str, markdown: str) -> None:
        super().__init__()
        self._title = title
        self._markdown = markdown

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(one_line(self._title, 200), markup=False, classes="title")
            yield TranscriptView()
            yield Static(text("page.keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        view = self.query_one(TranscriptView)
        view.focus()
        self.call_after_refresh(self._fill, view)

    def _fill(self, view: TranscriptView) -> None:
        transcript = Transcript()
        transcript.entries.append(Answer(Growing(self._markdown), done=True))
        view.show(transcript)
        self._fit()
        view.move_to(0)

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """As high as what is to be read, as far as there is room."""
        view, panel = self.query_one(TranscriptView), self.query_one(Vertical)
        others = panel.outer_size.height - view.outer_size.height
        view.styles.height = max(1, min(view.page.height, self.size.height * 9 // 10 - others))
