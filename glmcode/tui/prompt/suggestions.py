"""The list of completions above the prompt: shown while there is something to complete, driven by the prompt's keys."""

from collections.abc import Sequence

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from glmcode.tui.prompt.completion import (
    CommandSource,
    Completion,
    MentionSource,
    Trigger,
    matching_commands,
    mention_completions,
)
from glmcode_sandbox.clean import one_line

MAX_LABEL = 40
"""Cells; a longer name is cut, so that the details stay on screen."""


class Suggestions(OptionList, can_focus=False):
    """What can stand in place of `trigger`; the first is chosen unless another is."""

    class Clicked(Message):
        """The chosen completion was clicked."""

    def __init__(self, commands: CommandSource, mentions: MentionSource | None) -> None:
        super().__init__(markup=False, compact=True)
        self.display = False
        self.trigger: Trigger | None = None
        self._wanted: Trigger | None = None
        self._commands = commands
        self._mentions = mentions
        self._completions: Sequence[Completion] = ()

    @property
    def chosen(self) -> Completion | None:
        """The highlighted completion, while the list is open."""
        return self._completions[self.highlighted] if self.display and self.highlighted is not None else None

    def complete(self, trigger: Trigger | None) -> None:
        """Offer what fits here; mentions come when their source has answered, if they are still wanted then."""
        self._wanted = trigger
        match trigger:
            case Trigger(kind="command", query=query):
                self._offer(trigger, matching_commands(query, self._commands()))
            case Trigger(kind="mention") if self._mentions is not None:
                self._ask(trigger, self._mentions)
            case _:
                self.close()

    def close(self) -> None:
        self.display = False
        self.trigger = self._wanted = None
        self._completions = ()

    def step(self, by: int) -> None:
        """Move the choice, around the ends."""
        if self._completions:
            self.highlighted = ((self.highlighted or 0) + by) % len(self._completions)

    @work(exclusive=True)
    async def _ask(self, trigger: Trigger, source: MentionSource) -> None:
        found = await source(trigger.query)
        if self._wanted == trigger:
            self._offer(trigger, mention_completions(found))

    def _offer(self, trigger: Trigger, completions: Sequence[Completion]) -> None:
        self.clear_options()
        if not completions:
            self.close()
            return
        self.trigger, self._completions = trigger, completions
        labels = [Content.styled(one_line(one.label, MAX_LABEL), "bold") for one in completions]
        column = max(label.cell_length for label in labels) + 2
        self.add_options(
            [Option(_line(label, one.detail, column)) for label, one in zip(labels, completions, strict=True)]
        )
        self.highlighted = 0
        self.display = True

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Clicked())


def _line(label: Content, detail: str, column: int) -> Content:
    """The details of all lines begin in the same column, counted in cells."""
    gap = " " * (column - label.cell_length)
    return Content.assemble(label, gap, Content.styled(one_line(detail, 200), "$thinking"))
