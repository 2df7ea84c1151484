"""Finds a file of the repository by some letters of its path, to pin it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from glmcode.tui.texts import text
from glmcode_tools.filetext import display_name

Find = Callable[[str], Awaitable[Sequence[str]]]
"""The paths that match a few letters, best first."""
_LINES = re.compile(r":\d{1,7}(?:-\d{1,7})?$")


class PathFinder(ModalScreen[str | None]):
    """Gives what to pin: a path, with the lines that were typed behind it (`:10` or `:10-40`); None: nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", priority=True),
        Binding("enter", "take", priority=True),
        Binding("up", "step(-1)", priority=True),
        Binding("down", "step(1)", priority=True),
    ]

    def __init__(self, find: Find) -> None:
        super().__init__()
        self._find = find
        self._paths: Sequence[str] = ()
        self._found: str | None = None
        """What was typed when they were found."""
        self._taking = False
        """Whether Enter was pressed before they were."""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(text("pack.find"), markup=False, classes="title")
            yield Input(placeholder=text("pack.find_hint"), compact=True)
            yield OptionList(markup=False, compact=True)
            yield Static(text("choices.keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.cursor_blink = False
        field.focus()
        self.query_one(OptionList).can_focus = False
        self._look("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look(event.value)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_take()

    @work(exclusive=True)
    async def _look(self, typed: str) -> None:
        self._paths = await self._find(_LINES.sub("", typed.strip()))
        if not self.is_current:
            return  # left meanwhile
        self._found = typed
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([display_name(path) for path in self._paths])
        options.highlighted = 0 if self._paths else None
        if self._taking:
            self.action_take()

    def action_take(self) -> None:
        """What is highlighted; letters that were typed just now are looked up first."""
        typed = self.query_one(Input).value
        self._taking = typed != self._found
        at = self.query_one(OptionList).highlighted
        if at is None or self._taking:
            return
        lines = _LINES.search(typed.strip())
        self.dismiss(self._paths[at] + (lines[0] if lines else ""))

    def action_step(self, by: int) -> None:
        """Around the ends."""
        options = self.query_one(OptionList)
        if self._paths and options.highlighted is not None:
            options.highlighted = (options.highlighted + by) % len(self._paths)
