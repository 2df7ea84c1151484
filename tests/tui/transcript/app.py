"""The smallest application around the conversation view, for tests and the benchmark."""

from collections.abc import Callable
from pathlib import PurePath
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.widgets import Input

from glmcode.tui.styles import style_files
from glmcode.tui.theme import DARK, THEMES
from glmcode.tui.transcript.view import TranscriptView


class ViewApp(App[None]):
    CSS_PATH: ClassVar[list[str | PurePath]] = list(style_files())
    CSS = "TranscriptView { height: 1fr; } Input { height: 1; border: none; }"

    def __init__(self, theme: str = DARK.name, clock: Callable[[], float] = lambda: 1.0) -> None:
        super().__init__()
        self._clock = clock
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        self.toggled: list[tuple[int, bool]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def compose(self) -> ComposeResult:
        yield TranscriptView(clock=self._clock)
        yield Input(select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    @property
    def view(self) -> TranscriptView:
        return self.query_one(TranscriptView)

    def on_transcript_view_entry_toggled(self, message: TranscriptView.EntryToggled) -> None:
        self.toggled.append((message.index, message.opened))
