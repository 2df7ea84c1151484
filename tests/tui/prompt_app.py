"""An application that holds nothing but the prompt box and remembers what it posts."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.types import CSSPathType

from glmcode.tui.prompt.area import PromptArea
from glmcode.tui.prompt.box import PromptBox
from glmcode.tui.prompt.completion import Command, Mention, MentionSource
from glmcode.tui.prompt.queue import QueueStrip
from glmcode.tui.prompt.suggestions import Suggestions
from glmcode.tui.styles import style_files
from glmcode.tui.terminal_input import prepare
from glmcode.tui.theme import THEMES

COMMANDS = (
    Command("/help", "/help", "what can be done here"),
    Command("/compact", "/compact [HINT]", "shorten the conversation"),
    Command("/context", "/context", "what fills the window"),
)


async def some_files(query: str) -> Sequence[Mention]:
    found = [Mention("bills.py", "duebook/", "@duebook/bills.py"), Mention("money.py", "duebook/", "@duebook/money.py")]
    return [one for one in found if query in one.insert]


class PromptApp(App[None]):
    CSS_PATH: ClassVar[CSSPathType] = [*style_files()]

    def __init__(
        self,
        folder: Path | None = None,
        commands: Sequence[Command] = COMMANDS,
        mentions: MentionSource = some_files,
        theme: str = "glmcode-dark",
    ) -> None:
        prepare()
        super().__init__()
        self.box = PromptBox(folder, commands=lambda: commands, mentions=mentions)
        self.posted: list[Message] = []
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme

    def compose(self) -> ComposeResult:
        yield Vertical()
        yield self.box

    @property
    def area(self) -> PromptArea:
        return self.box.query_one(PromptArea)

    @property
    def offered(self) -> list[str]:
        """The completions on screen."""
        shown = self.box.query_one(Suggestions)
        return [str(option.prompt) for option in shown.options] if shown.display else []

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [(one.text, one.kind) for one in self.posted if isinstance(one, PromptBox.Submitted)]

    def on_prompt_box_submitted(self, event: PromptBox.Submitted) -> None:
        self.posted.append(event)

    def on_prompt_box_steered(self, event: PromptBox.Steered) -> None:
        self.posted.append(event)

    def on_prompt_box_interrupted(self, event: PromptBox.Interrupted) -> None:
        self.posted.append(event)

    def on_prompt_box_mode_cycled(self, event: PromptBox.ModeCycled) -> None:
        self.posted.append(event)

    def on_queue_strip_take_back(self, event: QueueStrip.TakeBack) -> None:
        self.posted.append(event)

    def on_queue_strip_removed(self, event: QueueStrip.Removed) -> None:
        self.posted.append(event)
