"""An application that shows one dialog over some text, and keeps what it answered."""

from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widgets import Static

from glmcode.tui.styles import style_files
from glmcode.tui.theme import DARK, THEMES


class DialogApp(App[None]):
    CSS_PATH: ClassVar[CSSPathType] = [*style_files()]

    def __init__(self, dialog: Screen[Any] | None = None, theme: str = DARK.name) -> None:
        super().__init__()
        self.dialog = dialog
        self.answers: list[Any] = []
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def compose(self) -> ComposeResult:
        yield Static("\n".join(f"line {number} of the conversation" for number in range(60)), markup=False)

    def on_mount(self) -> None:
        if self.dialog is not None:
            self.push_screen(self.dialog, self.answers.append)
