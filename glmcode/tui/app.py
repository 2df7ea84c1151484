"""The application: looks, language, what is opened and closed, and the screen it begins with."""

import asyncio
import time
import traceback
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.types import CSSPathType

from glmcode.exit_codes import ExitCode
from glmcode.starting import Start
from glmcode.tui.chat import ChatScreen
from glmcode.tui.opening import Opening
from glmcode.tui.preferences import Preferences, load_preferences
from glmcode.tui.styles import first_style_files
from glmcode.tui.terminal import copy_with_program
from glmcode.tui.texts import speak, text
from glmcode.tui.theme import DARK, begin_with
from glmcode_sandbox.clean import clean_text

LEAVE_WITHIN_S = 2.0
"""Two Ctrl-C within this time leave."""


class GlmcodeApp(App[None]):
    """Shows one conversation. Whoever runs it calls `aclose` afterwards, however it ended."""

    CSS_PATH: ClassVar[CSSPathType | None] = [*first_style_files()]
    ENABLE_COMMAND_PALETTE = False
    TITLE = "glmcode"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "leave_twice", show=False, system=True)]

    def __init__(self, start: Start) -> None:
        self.preferences: Preferences = load_preferences()
        speak(self.preferences.spoken)
        super().__init__()
        begin_with(self, self.preferences.theme)
        self.opening = Opening(self, start, lambda: self.chat.people())
        self.chat = ChatScreen(self.opening)
        self.code = ExitCode.DONE
        """What the process exits with."""
        self._early: list[events.Event] | None = []
        """What was typed before the prompt could take it; None: it can."""
        self._asked_to_leave = 0.0
        self._leaving: asyncio.Task[None] | None = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Themes of others do not know our colours."""
        return dict(DARK.variables)

    def get_default_screen(self) -> ChatScreen:
        return self.chat

    async def on_event(self, event: events.Event) -> None:
        """Textual would give what is typed while the program loads to nobody."""
        if self._early is not None and isinstance(event, events.Key | events.Paste):
            self._early.append(event)
        else:
            await super().on_event(event)

    @on(ChatScreen.Shown)
    async def _take_early(self) -> None:
        early, self._early = self._early or [], None
        for event in early:
            await super().on_event(event)

    def leave(self, code: ExitCode = ExitCode.DONE) -> None:
        """End what runs, close everything, then the interface."""
        self.code = code
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._left())

    async def _left(self) -> None:
        self.chat.box.say(text("chat.closing"))
        try:
            await self.aclose()
        finally:
            self.exit()

    async def aclose(self) -> None:
        """Close what is open. May be called twice."""
        await self.chat.aclose()

    async def on_unmount(self) -> None:
        await self.aclose()

    def _fatal_error(self) -> None:
        """A bug of ours: its traceback, but without the variables that Textual adds. Keys may be among them."""
        self._exit_renderables.append(Text(clean_text(traceback.format_exc())))
        self._close_messages_no_wait()

    def action_leave_twice(self) -> None:
        """Ctrl-C: end what runs; leave when it is pressed again."""
        now = time.monotonic()
        if now - self._asked_to_leave < LEAVE_WITHIN_S:
            self.leave()
            return
        self._asked_to_leave = now
        interrupted = self.chat.interrupt()
        self.chat.box.say(text("chat.interrupted" if interrupted else "chat.leave"))

    async def action_quit(self) -> None:
        self.leave()

    def copy_to_clipboard(self, text: str) -> None:
        """Through the terminal (OSC 52) and, where there is one, the system's own program."""
        super().copy_to_clipboard(text)
        if not self.is_headless:
            self.run_worker(copy_with_program(text), group="clipboard", exit_on_error=False)
