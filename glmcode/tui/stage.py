"""The widgets that show a conversation, and the language they speak."""

from dataclasses import dataclass

from glmcode.tui.prompt.box import PromptBox
from glmcode.tui.status.activity import ActivityLine
from glmcode.tui.status.line import StatusLine
from glmcode.tui.texts import Spoken
from glmcode.tui.transcript.view import TranscriptView
from glmcode.tui.welcome.welcome import Welcome


@dataclass(frozen=True, slots=True)
class Stage:
    """The widgets that show a conversation."""

    view: TranscriptView
    activity: ActivityLine
    box: PromptBox
    status: StatusLine
    welcome: Welcome

    def say_again(self) -> None:
        """The language changed: everything on the screen is said in the new one."""
        for widget in self.view.screen.query("*"):
            if isinstance(widget, Spoken):
                widget.say_again()
            widget.refresh()
