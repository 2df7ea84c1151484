"""The time machine: the steps of a session above, and below what going back to one would do to the files."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from glmcode.live.rewinding import Preview, changes_of, preview
from glmcode.live.session import LiveSession
from glmcode.session.steps import Step
from glmcode.session.store import SessionError
from glmcode.tui.lines.patch import patch_lines
from glmcode.tui.lines.view import LinesView
from glmcode.tui.rewind.points import START, Wish, before_last_turn, line, named, names
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.workspace import WorkspaceError


class RewindScreen(ModalScreen[Wish | Literal["undo"] | None]):
    """Gives what is wished; it changes nothing itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+c", "dismiss(None)", priority=True),
        Binding("f", "go(True, False)"),
        Binding("c", "go(False, True)"),
        Binding("b", "go(True, True)"),
        Binding("k", "fork(False)"),
        Binding("K", "fork(True)"),
        Binding("u", "undo"),
        Binding("pageup", "page(-1)", priority=True),
        Binding("pagedown", "page(1)", priority=True),
    ]

    def __init__(self, live: LiveSession, steps: Sequence[Step]) -> None:
        super().__init__()
        self._live = live
        self._steps: list[Step | None] = [None, *steps]

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(text("rewind.title"), markup=False, classes="title")
            yield OptionList(*(line(step, None) for step in self._steps), markup=False, compact=True)
            yield Static(markup=False, classes="effect")
            yield LinesView()
            yield Static(text("rewind.keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.focus()
        self.query_one(LinesView).can_focus = False
        wanted = before_last_turn([step for step in self._steps if step is not None])
        options.highlighted = next(at for at, step in enumerate(self._steps) if _name(step) == wanted)
        self._name_files()

    @work(group="files")
    async def _name_files(self) -> None:
        """Say behind each step which files it changed, the last ones first."""
        options = self.query_one(OptionList)
        for at, step in reversed([*enumerate(self._steps)]):
            try:
                files = await changes_of(self._live, step) if step is not None else ()
            except (SessionError, WorkspaceError):
                continue  # such a point says so when it is looked at
            if files:
                options.replace_option_prompt_at_index(at, line(step, files))

    @property
    def _to(self) -> str:
        """The point that is highlighted."""
        return _name(self._steps[self.query_one(OptionList).highlighted or 0])

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._look(_name(self._steps[event.option_index]))

    @work(group="preview", exclusive=True)
    async def _look(self, to: str) -> None:
        effect, view = self.query_one(".effect", Static), self.query_one(LinesView)
        effect.update(text("rewind.looking"))
        try:
            found = await preview(self._live, to)
        except (SessionError, WorkspaceError) as error:
            effect.update(Content.styled(one_line(str(error), 300), "$error"))
            view.show(lambda width: [])
            return
        effect.update(_effect(found))
        patch = found.patch.rstrip("\n")
        view.show(lambda width: patch_lines(patch, width) if patch else [])

    def action_go(self, files: bool, conversation: bool) -> None:
        self.dismiss(Wish(self._to, files, conversation))

    def action_fork(self, files: bool) -> None:
        self.dismiss(Wish(self._to, files, True, is_fork=True))

    def action_undo(self) -> None:
        self.dismiss("undo")

    def action_page(self, way: int) -> None:
        view = self.query_one(LinesView)
        view.scroll_to(y=view.scroll_y + way * max(1, view.size.height - 1), animate=False)


def _name(step: Step | None) -> str:
    return START if step is None else str(step.number)


def _effect(found: Preview) -> Content:
    if not found.files:
        return Content(text("rewind.same"))
    changes = Content(f"{text('rewind.changes')} {named(found.files, 6)}")
    if not found.conflicts:
        return changes
    conflicts = Content.styled(f"{text('rewind.conflicts')} {names(found.conflicts)}", "$warning")
    return Content("\n").join([changes, conflicts])
