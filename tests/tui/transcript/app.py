"""The smallest application around the conversation view, for tests and the benchmark."""

from collections.abc import Callable
from pathlib import PurePath
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Input

from glmcode.tui.styles import style_files
from glmcode.tui.theme import DARK, THEMES
from glmcode.tui.transcript.view import TranscriptView


class CountingView(TranscriptView):
    """Counts how often it is asked for what it shows."""

    DEFAULT_CSS = "CountingView { height: 1fr; }"
    drawn = 0

    def render_lines(self, crop: Region) -> list[Strip]:
        self.drawn += 1
        return super().render_lines(crop)


class ViewApp(App[None]):
    CSS_PATH: ClassVar[list[str | PurePath]] = list(style_files())
    CSS = "Input { height: 1; border: none; }"

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
        yield CountingView(clock=self._clock)
        yield Input(select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    @property
    def view(self) -> CountingView:
        return self.query_one(CountingView)

    def on_transcript_view_entry_toggled(self, message: TranscriptView.EntryToggled) -> None:
        self.toggled.append((message.index, message.opened))
