"""The list of completions above the prompt: shown while there is something to complete, driven by the prompt's keys."""

from collections.abc import Sequence

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from glmcode.tui.prompt.completion import (
    Command,
    Completion,
    MentionSource,
    Trigger,
    matching_commands,
    mention_completions,
)
from glmcode_sandbox.clean import one_line


class Suggestions(OptionList, can_focus=False):
    """What can stand in place of `trigger`; the first is chosen unless another is."""

    class Clicked(Message):
        """The chosen completion was clicked."""

    def __init__(self, commands: Sequence[Command], mentions: MentionSource | None) -> None:
        super().__init__(markup=False, compact=True)
        self.display = False
        self.trigger: Trigger | None = None
        self._wanted: Trigger | None = None
        self._commands = tuple(commands)
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
                self._offer(trigger, matching_commands(query, self._commands))
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
        self.add_options([Option(_line(one)) for one in completions])
        self.highlighted = 0
        self.display = True

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Clicked())


def _line(completion: Completion) -> Content:
    label = Content.styled(one_line(completion.label, 80), "bold")
    detail = one_line(completion.detail, 200)
    return Content.assemble(label, "  ", Content.styled(detail, "$thinking")) if detail else label
