"""Asks whether the repository's own configuration may be obeyed, and shows what it says."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from glmcode.config import PROJECT_FILE
from glmcode.tui.texts import text
from glmcode_sandbox.clean import clean_text

MAX_SHOWN = 20_000
GRACE_S = 0.4
"""Keys that were typed before it came do not answer it."""


class TrustScreen(ModalScreen[bool]):
    """True: obey it from now on. Escape and n leave it out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)"),
        Binding("n,escape", "answer(False)"),
    ]

    def __init__(self, file: Path, *, grace_s: float = GRACE_S) -> None:
        super().__init__()
        self._grace_s = grace_s
        self._file = file
        self._ready = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(text("firstrun.trust_title"), markup=False, classes="title")
            yield Static(text("firstrun.trust", file=PROJECT_FILE), markup=False)
            with VerticalScroll(classes="shown"):
                yield Static(_shown(self._file), markup=False)
            yield Static(text("firstrun.trust_keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self.set_timer(self._grace_s, self._begin)

    def _begin(self) -> None:
        self._ready = True

    def action_answer(self, trusted: bool) -> None:
        if self._ready:
            self.dismiss(trusted)


def _shown(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return clean_text(stream.read(MAX_SHOWN)).rstrip()
    except OSError as error:
        return str(error.strerror)
