"""What a commit would hold: its files to choose from, its message to edit, and the way to the diff."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static, TextArea

from glmcode.live.committing import Proposal
from glmcode.markdown import fenced
from glmcode.tui.commit.change import change_text
from glmcode.tui.page.screen import PageScreen
from glmcode.tui.texts import text
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_sandbox.git.trees import FileChange
from glmcode_tools.filetext import display_name

_DIFF_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """The person's word on a commit."""

    message: str
    paths: frozenset[str]


class CommitScreen(ModalScreen[Chosen | None]):
    """Gives what is to be committed; None: nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "commit", priority=True),
        Binding("escape", "leave", priority=True),
        Binding("ctrl+d", "diff", priority=True),
    ]

    def __init__(self, proposal: Proposal) -> None:
        super().__init__()
        self._proposal = proposal
        self._left_out: set[str] = set()

    def compose(self) -> ComposeResult:
        preview = self._proposal.preview
        with Vertical():
            yield Static(text("commit.title", branch=one_line(preview.branch, 80)), markup=False, classes="title")
            yield OptionList(markup=False, compact=True)
            area = TextArea(clean_text(self._proposal.message), tab_behavior="focus", show_line_numbers=False)
            area.cursor_blink = False
            yield area
            yield Static(markup=False, classes="problem")
            yield Static(text("commit.keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        self._show()
        area = self.query_one(TextArea)
        area.focus()
        area.move_cursor(area.document.end)

    @on(OptionList.OptionSelected)
    def _toggled(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        path = self._proposal.preview.changes[event.option_index].path
        self._left_out ^= {path}
        self._show()

    def action_commit(self) -> None:
        message = self.query_one(TextArea).text.strip()
        paths = frozenset(self._proposal.preview.entries) - self._left_out
        if not message or not paths:
            self.query_one(".problem", Static).update(text("commit.no_message" if paths else "commit.no_file"))
            return
        self.dismiss(Chosen(message, paths))

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_diff(self) -> None:
        """All of it, as it would be committed."""
        diff = clean_text(self._proposal.preview.diff[:_DIFF_BYTES])
        self.app.push_screen(PageScreen(text("commit.diff"), fenced(diff, "diff")))

    def _show(self) -> None:
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        options.clear_options()
        options.add_options([self._line(change) for change in self._proposal.preview.changes])
        options.highlighted = at

    def _line(self, change: FileChange) -> Content:
        mark = " " if change.path in self._left_out else "x"
        parts = [Content(f"[{mark}] {display_name(change.path)}"), Content.styled(change_text(change), "$thinking")]
        if change.path in self._proposal.mixed:
            parts.append(Content.styled(text("commit.mixed"), "$warning"))
        return Content("  ").join(parts)
