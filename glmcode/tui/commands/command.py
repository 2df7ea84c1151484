"""What a command is."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from glmcode.tui.texts import text

if TYPE_CHECKING:
    from glmcode.tui.conversation import Conversation

Handler = Callable[["Conversation", str], Coroutine[Any, Any, None]]
"""Does it; the string is what stands after the name."""


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One row of the table."""

    name: str
    """Without the slash."""
    takes: str
    """The form of what may follow, for people; empty: nothing."""
    does: str
    """Its handler, `MODULE.FUNCTION` in this folder; imported when it is first used, so that a start needs none."""
    alone: bool = False
    """Whether it needs the session for itself, and so waits for the end of what runs."""

    @property
    def handler(self) -> Handler:
        """What does it."""
        module, _, function = self.does.partition(".")
        found: Handler = getattr(import_module(f"glmcode.tui.commands.{module}"), function)
        return found

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.takes}".rstrip()

    @property
    def help(self) -> str:
        """One line, in the interface's language."""
        return text(f"commands.{self.name}")
