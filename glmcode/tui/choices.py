"""A list to choose from, over the screen: typed letters filter it, keys and mouse choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from glmcode.tui.fuzzy import ranked
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

MAX_SHOWN = 500
_AROUND = 8
"""Lines of the dialog around its list."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the list."""

    id: str
    label: str
    detail: str = ""
    """Said after the label, and searched, too."""


class Choices(ModalScreen[str | None]):
    """Gives the id of what was chosen, or None: `await app.push_screen_wait(Choices(...))`."""

    # Priority, since the field that is typed into would use some of them up.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", priority=True),
        Binding("enter", "take", priority=True),
        Binding("up,ctrl+p", "step(-1)", priority=True),
        Binding("down,ctrl+n", "step(1)", priority=True),
        Binding("pageup", "step(-10)", priority=True),
        Binding("pagedown", "step(10)", priority=True),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], *, chosen: str | None = None) -> None:
        """`title` is for people, `chosen` the id where the list begins."""
        super().__init__()
        self._title = title
        self._choices = tuple(choices)
        self._chosen = chosen
        self._shown: list[Choice] = []

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._title, markup=False, classes="title")
            yield Input(placeholder=text("choices.filter"), compact=True)
            yield OptionList(markup=False, compact=True)
            yield Static(text("choices.keys"), markup=False, classes="keys")

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.cursor_blink = False
        field.focus()
        self.query_one(OptionList).can_focus = False
        self._show("")
        at = next((at for at, choice in enumerate(self._shown) if choice.id == self._chosen), 0)
        self.query_one(OptionList).highlighted = at if self._shown else None

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._show(event.value)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._shown[event.option_index].id)

    def on_click(self, event: events.Click) -> None:
        """A click beside the list leaves it."""
        if event.widget is self:
            self.dismiss(None)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_take(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self.dismiss(self._shown[at].id)

    def action_step(self, by: int) -> None:
        """Single steps go around the ends, pages stop there."""
        options = self.query_one(OptionList)
        if self._shown and options.highlighted is not None:
            to, last = options.highlighted + by, len(self._shown) - 1
            options.highlighted = to % (last + 1) if abs(by) == 1 else min(max(to, 0), last)

    def _show(self, query: str) -> None:
        found = ranked(query, self._choices, lambda choice: f"{choice.label} {choice.detail}", MAX_SHOWN)
        self._shown = [choice for choice, _ in found] if query.strip() else [*self._choices[:MAX_SHOWN]]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(choice)) for choice in self._shown])
        options.highlighted = 0 if self._shown else None
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """As high as what is found, as far as there is room."""
        room = self.size.height * 8 // 10 - _AROUND
        self.query_one(OptionList).styles.height = max(1, min(len(self._shown), room))


def _line(choice: Choice) -> Content:
    detail = one_line(choice.detail, 200)
    label = Content(one_line(choice.label, 120))
    return Content.assemble(label, "  ", Content.styled(detail, "$thinking")) if detail else label
