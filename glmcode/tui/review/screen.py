"""The review: files, their hunks, and a decision on each; carried out at once when the reader is done."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from glmcode.review.applying import Reviewed
from glmcode.review.decisions import Accept, Decisions, Edit, Refuse, ReviewError, can_edit
from glmcode.review.hunks import Review
from glmcode.tui.lines.view import LinesView
from glmcode.tui.review.course import Course
from glmcode.tui.review.editing import HunkEditor, can_be_edited
from glmcode.tui.review.files import FileList
from glmcode.tui.review.hunk_lines import LaidFile, lay_file
from glmcode.tui.review.hunk_text import lines_place
from glmcode.tui.texts import text
from glmcode.tui.transcript.lines import Line
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_sandbox.git.gitrun import WorkspaceError
from glmcode_tools.filetext import display_name

Apply = Callable[[Decisions], Awaitable[Reviewed]]
_NAMED = 5


class ReviewScreen(Screen[Reviewed | None]):
    """Gives what was done; None where the reader left and nothing was decided for good."""

    AUTO_FOCUS: ClassVar[str | None] = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "step(1)"),
        Binding("k,up", "step(-1)"),
        Binding("right_square_bracket", "step_file(1)"),
        Binding("left_square_bracket", "step_file(-1)"),
        Binding("pagedown,space", "scroll(1)"),
        Binding("pageup", "scroll(-1)"),
        Binding("y", "accept"),
        Binding("n", "refuse"),
        Binding("e", "edit"),
        Binding("f", "accept_file"),
        Binding("F", "refuse_file"),
        Binding("A", "accept_all"),
        Binding("R", "refuse_all"),
        Binding("u", "undo"),
        Binding("enter", "apply"),
        Binding("escape", "leave"),
    ]

    def __init__(self, review: Review, apply: Apply, *, isolated: bool) -> None:
        """`apply` carries decisions out; `isolated`: what is accepted goes to the user's files only then."""
        super().__init__()
        self.course = Course(review)
        self._apply = apply
        self._isolated = isolated
        self._laid = LaidFile([], {})
        self._shown = ""
        """The path of the file whose lines are in sight."""
        self._applying = False
        self._wants_reason: Callable[[Refuse], None] | None = None

    def compose(self) -> ComposeResult:
        yield Static(markup=False, classes="head")
        with Container(classes="body"):
            yield FileList(self.course)
            yield LinesView()
        with Vertical(classes="foot"):
            yield Input(placeholder=text("review.reason"), compact=True)
            yield Static(markup=False, classes="message")
            yield Static(text("review.keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        reason = self.query_one(Input)
        reason.display = False
        reason.cursor_blink = False
        self.query_one(LinesView).can_focus = False
        self.query_one(".message").display = False
        self.call_after_refresh(self._show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.query_one(Input).display:
            return action == "leave"
        return not self._applying and (bool(self.course.hunks) or action == "leave")

    def _show(self, *, all_files: bool = True) -> None:
        course = self.course
        where = text("review.isolated" if self._isolated else "review.direct")
        files, hunks = len(course.decisions.review.files), len(course.hunks)
        told = text("review.head", files=files, decided=course.decided, hunks=hunks)
        self.query_one(".head", Static).update(f"{told} · {where}")
        view = self.query_one(LinesView)
        if not course.hunks:
            self._say(text("review.nothing"))
            return
        file = course.file
        view.show(self._lay, keep_place=self._shown == file.path)
        self._shown = file.path
        self.query_one(FileList).show(all_files=all_files)
        self._mark()

    def _lay(self, width: int) -> list[Line]:
        self._laid = lay_file(self.course.file, self.course.decisions.of, width)
        return self._laid.lines

    def _mark(self) -> None:
        self.query_one(LinesView).mark(self._laid.places[self.course.hunk.id])

    def _say(self, message: str = "", *, is_error: bool = False) -> None:
        line = self.query_one(".message", Static)
        line.display = bool(message)
        line.set_class(is_error, "error")
        line.update(message)

    def action_step(self, by: int) -> None:
        path = self.course.file.path
        self.course.step(by)
        self._say()
        if self.course.file.path == path:
            self._mark()
        else:
            self._show(all_files=False)

    def action_step_file(self, by: int) -> None:
        files = self.course.decisions.review.files
        at = files.index(self.course.file) + by
        self.course.to_file(files[min(max(at, 0), len(files) - 1)].path)
        self._show(all_files=False)

    def action_scroll(self, by: int) -> None:
        view = self.query_one(LinesView)
        view.scroll_to(y=view.scroll_y + by * max(1, view.size.height - 2), animate=False)

    @on(OptionList.OptionSelected)
    def _file_clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.course.to_file(self.course.decisions.review.files[event.option_index].path)
        self._show(all_files=False)

    def action_accept(self) -> None:
        self._decide(lambda: self.course.decide(Accept()))

    def action_refuse(self) -> None:
        self._ask_reason(lambda refused: self.course.decide(refused))

    def action_accept_file(self) -> None:
        self._decide(lambda: self.course.decide_file(Accept()))

    def action_refuse_file(self) -> None:
        self._ask_reason(lambda refused: self.course.decide_file(refused))

    def action_accept_all(self) -> None:
        self._decide(lambda: self.course.decide_all(Accept()), all_files=True)

    def action_refuse_all(self) -> None:
        self._ask_reason(lambda refused: self.course.decide_all(refused))

    def action_undo(self) -> None:
        if self.course.undo():
            self._say()
            self._show()
        else:
            self._say(text("review.nothing_to_undo"))

    def _decide(self, decide: Callable[[], None], *, all_files: bool = False) -> None:
        """Also where the next hunk is in another file, the one that was decided on is shown anew."""
        before = self.course.file
        try:
            decide()
        except ReviewError as error:
            self._say(one_line(str(error), 300), is_error=True)
            return
        self._say()
        self._show(all_files=all_files or self.course.file is not before)

    def _ask_reason(self, decide: Callable[[Refuse], None]) -> None:
        self._wants_reason = decide
        reason = self.query_one(Input)
        reason.value, reason.display = "", True
        self.query_one(".keys", Static).update(text("review.reason_keys"))
        self.set_focus(reason)

    @on(Input.Submitted)
    def _reason_given(self, event: Input.Submitted) -> None:
        event.stop()
        decide, refused = self._wants_reason, Refuse(reason=event.value.strip())
        self._close_reason()
        if decide is not None:
            self._decide(lambda: decide(refused), all_files=True)

    def _close_reason(self) -> None:
        self._wants_reason = None
        self.query_one(Input).display = False
        self.query_one(".keys", Static).update(text("review.keys"))
        self.set_focus(None)

    def action_edit(self) -> None:
        file, hunk = self.course.file, self.course.hunk
        decision = self.course.decisions.of(hunk.id)
        content = decision.text if isinstance(decision, Edit) else hunk.new_text
        if not can_edit(file, hunk) or not can_be_edited(content):
            self._say(text("review.cannot_edit"), is_error=True)
            return
        place = f"{display_name(file.path)} {lines_place(hunk)}"

        def edited(written: str | None) -> None:
            if written is not None:
                self._decide(lambda: self.course.decide(Edit(text=written)))

        self.app.push_screen(HunkEditor(place, content), edited)

    def action_apply(self) -> None:
        if not self.course.decided:
            self._say(text("review.undecided_all"))
            return
        self._applying = True
        self._say(text("review.applying"))
        self._carry_out()

    @work
    async def _carry_out(self) -> None:
        try:
            done = await self._apply(self.course.decisions)
        except (ReviewError, WorkspaceError, SandboxError) as error:
            self._say(clean_text(str(error)), is_error=True)
        else:
            if done.applied:
                self.dismiss(done)
                return
            more = f" +{len(done.conflicts) - _NAMED}" if len(done.conflicts) > _NAMED else ""
            names = ", ".join(map(display_name, done.conflicts[:_NAMED])) + more
            self._say(text("review.conflicts", files=names), is_error=True)
        finally:
            self._applying = False

    def action_leave(self) -> None:
        if self.query_one(Input).display:
            self._close_reason()
        else:
            self.dismiss(None)
