"""The screen of a conversation: lays out its widgets and gives what people type to whoever does it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from glmcode.starting import settle
from glmcode.tui.aside.panel import AsidePanel
from glmcode.tui.commands.table import completions, perform
from glmcode.tui.find.bar import FindBar
from glmcode.tui.loading import EngineLoading
from glmcode.tui.opening import Opening
from glmcode.tui.prompt.area import PromptArea
from glmcode.tui.prompt.box import PromptBox
from glmcode.tui.prompt.completion import Kind
from glmcode.tui.prompt.mentions import RepositoryMentions
from glmcode.tui.prompt.private import prompt_folder
from glmcode.tui.prompt.queue import QueueStrip
from glmcode.tui.stage import Stage
from glmcode.tui.status.activity import ActivityLine
from glmcode.tui.status.line import StatusLine
from glmcode.tui.styles import read_all_styles
from glmcode.tui.terminal import set_title
from glmcode.tui.texts import text
from glmcode.tui.transcript.view import TranscriptView
from glmcode.tui.welcome.welcome import Welcome

if TYPE_CHECKING:
    from glmcode.context.warming import Progress
    from glmcode.live.people import People
    from glmcode.tui.conversation import Conversation

SHOWN_FILES = 300
"""Fewer files than that are in the index before anybody has read how many they are."""
_MODES = ("plan", "ask", "auto")


class ChatScreen(Screen[None]):
    """Widgets, and the messages between them; what happens is decided in `Conversation` and in the commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority, since the prompt would take them for its own text.
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("ctrl+f", "find", show=False, priority=True),
        Binding("ctrl+t", "switch_thinking", show=False, priority=True),
        Binding("f2", "switch_mouse", show=False),
    ]

    class Shown(Message):
        """The prompt is there, and has the focus."""

    def __init__(self, opening: Opening) -> None:
        super().__init__()
        repo = opening.start.repo
        self.opening = opening
        self.view = TranscriptView()
        self.box = PromptBox(prompt_folder(repo), commands=completions, mentions=RepositoryMentions(repo))
        self._welcome = Welcome(repo)
        self._stage = Stage(self.view, ActivityLine(), self.box, StatusLine(), self._welcome)
        self._aside = AsidePanel()
        self._find = FindBar(self.view)
        self._loading = EngineLoading()
        self._conversation: Conversation | None = None
        self.failure: Exception | None = None
        """Why it cannot begin."""

    @property
    def conversation(self) -> "Conversation":
        """What goes on; once the settings are there."""
        from glmcode.tui.conversation import Conversation

        if self._conversation is None:
            self._conversation = Conversation(self.app, self.opening, self._stage)
            self._conversation.watched = self.app.app_focus
        return self._conversation

    async def _when_ready(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do what needs `conversation` or the settings. Keys may come before these are there; then they wait."""
        if self.opening.begun:
            await act()
        else:
            self.run_worker(self._afterwards(act), name="early key")

    async def _afterwards(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if await self._ready():
            await act()

    async def _ready(self) -> bool:
        """Wait for what lies behind the prompt, which is shown before. False: it is not to be had, and all ends."""
        try:
            await self.opening.begin()
            read_all_styles(self.app.stylesheet)
        except Exception as error:
            self.failure = error
            self.app.exit()
        return self.failure is None

    def compose(self) -> ComposeResult:
        yield self._welcome
        yield self.view
        yield self._aside
        yield self._loading
        yield self._find
        yield self._stage.activity
        yield self.box
        yield self._stage.status

    def on_mount(self) -> None:
        self.view.can_focus = False
        self.post_message(self.Shown())
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """What the first frame does not wait for."""
        set_title(self.app, text("chat.window", repo=self.opening.start.repo.name))
        self.run_worker(self._open(), name="opening")

    async def _open(self) -> None:
        if not await self._ready():
            return
        settle()
        start, conversation, resume = self.opening.start, self.conversation, self.opening.settings.resume
        conversation.show_status()
        if not resume:
            self._welcome.load()
        if start.untrusted is not None:
            await conversation.attempt(self.opening.trust())
        await conversation.standing.look_at(start.repo)
        conversation.show_status()
        if resume:
            await conversation.attempt(conversation.show_session(resume))
        if start.prompt:
            await conversation.submit(start.prompt)
        else:
            # What fails is tried again by the first turn.
            await conversation.attempt(self.opening.live())
            conversation.show_status()

    def people(self) -> "People":
        """How the person at this screen is reached."""
        from glmcode.live.people import People
        from glmcode.tui.approval.asking import Approvals
        from glmcode.tui.asking import confirmed

        loop, here = asyncio.get_running_loop(), threading.get_ident()

        def say(line: str) -> None:
            if threading.get_ident() == here:
                self.conversation.say(line)
            else:
                loop.call_soon_threadsafe(self.conversation.say, line)

        def indexing(progress: "Progress | None") -> None:
            shown = progress is not None and progress.of >= SHOWN_FILES
            self.conversation.standing.indexing = (progress.done, progress.of) if progress and shown else None
            self.conversation.show_status()

        return People(
            say=say,
            ask=Approvals(self.app),
            confirm=lambda question: confirmed(self.app, question),
            watch=self._loading.show,
            indexing=indexing,
        )

    def interrupt(self) -> bool:
        """End what runs; False where nothing does."""
        return self._conversation is not None and self._conversation.interrupt()

    async def aclose(self) -> None:
        """Close what is open. May be called twice."""
        if self._conversation is not None:
            await self._conversation.aclose()

    @on(PromptBox.Submitted)
    async def _submitted(self, event: PromptBox.Submitted) -> None:
        event.stop()
        await self._when_ready(partial(self._submit, event.text, event.kind))

    async def _submit(self, text: str, kind: Kind) -> None:
        match kind:
            case "prompt":
                await self.conversation.submit(text)
            case "command":
                await perform(self.conversation, text)
            case "shell":
                await perform(self.conversation, f"/shell {text}")

    @on(PromptBox.Steered)
    async def _steered(self, event: PromptBox.Steered) -> None:
        event.stop()
        await self._when_ready(partial(self._steer, event.text))

    async def _steer(self, text: str) -> None:
        if not self.conversation.steer(text):
            await self.conversation.submit(text)

    @on(PromptBox.Interrupted)
    def _interrupted(self, event: PromptBox.Interrupted) -> None:
        event.stop()
        if not self._aside.dismiss() and not self.interrupt():
            self._loading.cancel(self.opening)

    @on(PromptBox.ModeCycled)
    async def _mode_cycled(self, event: PromptBox.ModeCycled) -> None:
        event.stop()
        await self._when_ready(self._cycle_mode)

    async def _cycle_mode(self) -> None:
        at = _MODES.index(self.opening.mode) if self.opening.mode in _MODES else 0
        self.opening.mode = "ask" if at == 0 else "auto" if at == 1 else "plan"
        self.conversation.show_status()

    @on(QueueStrip.TakeBack)
    async def _take_back(self, event: QueueStrip.TakeBack) -> None:
        event.stop()
        if taken := await self.conversation.take_back(event.id):
            self.box.put(taken)

    @on(QueueStrip.Removed)
    async def _remove(self, event: QueueStrip.Removed) -> None:
        event.stop()
        await self.conversation.take_back(event.id)

    @on(TranscriptView.Left)
    @on(FindBar.Closed)
    @on(Welcome.Left)
    def _back(self) -> None:
        self.box.focus()

    @on(Welcome.Chosen)
    def _resume(self, event: Welcome.Chosen) -> None:
        event.stop()
        self._back()
        self._perform(f"/resume {event.session}")

    @work
    async def _perform(self, line: str) -> None:
        await perform(self.conversation, line)

    def on_key(self, event: events.Key) -> None:
        """What is typed while something else has the focus belongs to the prompt."""
        if event.is_printable and event.character and isinstance(self.focused, TranscriptView | Welcome):
            self.box.focus()
            self.box.query_one(PromptArea).insert(event.character)
            event.stop()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """The first time all widgets have just been given their styles."""
        event.refresh_styles = event.refresh_styles and self.stack_updates > 0

    def on_app_focus(self) -> None:
        if self._conversation is not None:
            self._conversation.watched = True

    def on_app_blur(self) -> None:
        if self._conversation is not None:
            self._conversation.watched = False

    def action_page(self, way: int) -> None:
        scroll = self.view.scroll_page_up if way < 0 else self.view.scroll_page_down
        scroll(animate=False)

    def action_find(self) -> None:
        self._find.open()

    async def action_switch_mouse(self) -> None:
        await self._when_ready(partial(self._submit, "/mouse", "command"))

    async def action_switch_thinking(self) -> None:
        await self._when_ready(self._switch_thinking)

    async def _switch_thinking(self) -> None:
        self.opening.set_thinking("on" if self.opening.settings.thinking == "off" else "off")
        self.conversation.show_status()
