"""A hunk's new side in an editor, in place of what the model wrote."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from glmcode.tui.texts import text
from glmcode_tools.filetext import visible


def can_be_edited(content: str) -> bool:
    """Whether an editor shows all that is in a text and gives it back: nothing invisible, one kind of line end."""
    plain = content.replace("\r\n", "\n")
    mixed = "\r\n" in content and plain.count("\n") != content.count("\r\n")
    return not mixed and all(visible(line) == line for line in plain.split("\n"))


class HunkEditor(ModalScreen[str | None]):
    """Gives the new text; None where it was left as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", priority=True),
        Binding("escape", "leave", priority=True),
    ]

    def __init__(self, title: str, content: str) -> None:
        """`title` is clean, and `content` one that `can_be_edited`."""
        super().__init__()
        self._title = title
        self._content = content
        self._newline = "\r\n" if "\r\n" in content else "\n"

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(text("review.edit_title", place=self._title), markup=False, classes="title")
            area = TextArea(self._content.replace("\r\n", "\n"), tab_behavior="indent", show_line_numbers=False)
            area.cursor_blink = False
            yield area
            yield Static(text("review.edit_keys"), markup=False, classes="keys")

    def action_save(self) -> None:
        written = self.query_one(TextArea).text.replace("\n", self._newline)
        self.dismiss(None if written == self._content else written)

    def action_leave(self) -> None:
        self.dismiss(None)
