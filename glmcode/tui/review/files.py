"""The files of a review, each with its changes and how much of it was decided."""

from typing import ClassVar

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from glmcode.review.hunks import ReviewFile
from glmcode.tui.review.course import Course
from glmcode_tools.filetext import display_name

_LETTERS: dict[str, tuple[str, str]] = {
    "added": ("A", "$success"),
    "modified": ("M", "$warning"),
    "deleted": ("D", "$error"),
    "type": ("T", "$accent"),
    "mode": ("X", "$accent"),
}


class FileList(OptionList):
    """Posts OptionSelected with the number of a file."""

    ALLOW_SELECT: ClassVar[bool] = False
    can_focus = False

    def __init__(self, course: Course) -> None:
        super().__init__(markup=False, compact=True)
        self._course = course
        self._files = course.decisions.review.files
        self._numbers = {file.path: number for number, file in enumerate(self._files)}

    def on_mount(self) -> None:
        self.add_options([Option(self._line(file)) for file in self._files])

    def show(self, *, all_files: bool) -> None:
        """Show what was decided on the present file, or on all of them."""
        at = self._numbers[self._course.file.path]
        for number in range(len(self._files)) if all_files else (at,):
            self.replace_option_prompt_at_index(number, self._line(self._files[number]))
        self.highlighted = at

    def _line(self, file: ReviewFile) -> Content:
        letter, colour = _LETTERS[file.status]
        done, count = self._course.decided_of(file), len(file.hunks)
        mark = "✓" if done == count else " "
        progress = f" {done}/{count}" if count > 1 else ""
        return Content.assemble(
            Content.styled(f"{mark} ", "$success"),
            Content.styled(f"{letter} ", colour),
            Content(display_name(file.path)),
            Content.styled(progress, "$thinking"),
        )
