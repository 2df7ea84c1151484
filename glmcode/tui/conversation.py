"""The conversation as it goes on: plays turns one after the other, shows what happens and holds what waits."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.worker import Worker

from glmcode.config import ConfigError
from glmcode.events import Event, TurnFinished
from glmcode.session.store import SessionError
from glmcode.tui.doing import doing
from glmcode.tui.opening import Opening
from glmcode.tui.prompt.queue import Queued
from glmcode.tui.reading import read_session
from glmcode.tui.stage import Stage
from glmcode.tui.standing import Standing
from glmcode.tui.status.values import Activity
from glmcode.tui.terminal import notify_desktop
from glmcode.tui.texts import text
from glmcode_engine.base import EngineError
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.workspace import WorkspaceError

if TYPE_CHECKING:
    from glmcode.live.session import LiveSession

LONG_TURN_S = 10.0
"""A turn that took longer tells a person who looks elsewhere that it is over."""
FAILURES = (ConfigError, SessionError, WorkspaceError, SandboxError, EngineError)
"""What the world does to us; the text is for the person."""


class Conversation:
    """One thing runs at a time: a turn, a command of the user's, a compaction. What is typed meanwhile waits."""

    def __init__(self, app: App[Any], opening: Opening, stage: Stage) -> None:
        self.app = app
        self.opening = opening
        self.stage = stage
        self.standing = Standing()
        self.queue: list[Queued] = []
        self.watched = True
        """Whether the terminal has the focus."""
        self._work: Worker[None] | None = None
        self._began: float | None = None
        """When the running turn began; None while its first event has not come."""
        self._cancelling = False
        self._sent = False
        """Whether anything came of the last turn."""
        self.ending = False
        """Whether what runs has shown its end, and only tidies up."""
        self._numbers = 0
        self._idle = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether something runs."""
        return self._work is not None

    @property
    def session_id(self) -> str | None:
        """Of the session on disk; None while there is none."""
        return self.opening.session_id

    @property
    def live(self) -> "LiveSession | None":
        """The session, once it is there."""
        return self.opening.session

    def say(self, line: str) -> None:
        """One line of news in the transcript."""
        self.stage.view.note("info", line)

    def warn(self, line: str) -> None:
        self.stage.view.note("warning", line)

    def perform(self, work: Coroutine[Any, Any, object]) -> None:
        """Let this run alone; its failures become lines of the transcript."""
        assert self._work is None, "something runs already"
        self._cancelling = self.ending = False
        self._idle.clear()
        self.stage.box.running = True
        self._work = self.app.run_worker(self._performed(work), name="conversation", exit_on_error=True)

    def command(self, work: Coroutine[Any, Any, object]) -> None:
        """The same for a command of the user's; what is typed meanwhile is sent when it ended well."""
        self.perform(self._followed(work, len(self.queue)))

    async def _followed(self, work: Coroutine[Any, Any, object], waiting: int) -> None:
        await work
        await self._turns(None if waiting or self._cancelling else await self._next())

    async def _performed(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except FAILURES as error:
            self.stage.view.note("error", str(error))
            self._say_what_waits()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._cancelling or task is None:
                raise
            task.uncancel()
            if not self._sent:
                self.warn(text("conversation.interrupted"))
            self._say_what_waits()
        finally:
            self._work, self.ending = None, False
            self._idle.set()
            if self.app.is_running:
                self.stage.box.running = False
                self.stage.activity.activity = None
                self.show_status()

    async def until_idle(self) -> None:
        """Wait until nothing runs."""
        while self.busy:
            await self._idle.wait()

    async def submit(self, prompt: str) -> None:
        """Send a message, or let it wait while something runs."""
        if self.busy:
            self._numbers += 1
            self.queue.append(Queued(self._numbers, prompt))
            await self.show_queue()
        else:
            self.perform(self._turns(prompt))

    async def _turns(self, prompt: str | None) -> None:
        """A turn, and then one for each message that waits; after one that did not end well they wait on."""
        while prompt is not None:
            ended = await self.turn(prompt)
            prompt = await self._next() if ended is not None and ended.reason == "done" else None
        self._say_what_waits()

    async def _next(self) -> str | None:
        """The first message that waits, taken out of the queue."""
        prompt = self.queue.pop(0).text if self.queue else None
        await self.show_queue()
        return prompt

    def _say_what_waits(self) -> None:
        if self.queue:
            self.say(text("conversation.waiting", count=len(self.queue)))

    def begin(self) -> None:
        """Something for the transcript begins: it takes the place of the welcome."""
        self.stage.welcome.display = False
        self.stage.view.can_focus = True
        self.stage.activity.activity = Activity("starting", time.monotonic())

    async def attempt(self, work: Coroutine[Any, Any, object]) -> None:
        """Do this beside what runs; what fails is said, and the rest goes on."""
        try:
            await work
        except FAILURES as error:
            self.stage.view.note("error", str(error))

    async def change_to(self, session: str | None) -> None:
        """Go on with another session, shown from its end; None: with a new one. Raises SessionError."""
        await self.opening.change_to(session)
        await self.show_session(session)

    async def show_session(self, session: str | None) -> None:
        """Show all of a session on disk in place of what is shown. Raises SessionError."""
        transcript, standing = await asyncio.to_thread(read_session, session)
        standing.go_on_from(self.standing)
        self.standing = standing
        self.stage.welcome.display = session is None
        self.stage.view.can_focus = session is not None
        if session is None:
            self.stage.welcome.load()
        self.stage.view.show(transcript)
        self.show_status()

    async def turn(self, prompt: str) -> TurnFinished | None:
        """Play one turn. Where it could not begin the message stands in the box again. Raises `FAILURES`."""
        self.begin()
        self._sent = False
        self.stage.view.user(prompt)
        try:
            live = await self.opening.live()
            return await self.play(live.turn(prompt))
        except (*FAILURES, asyncio.CancelledError):
            if not self._sent and self.app.is_running and not self.stage.box.value:
                self.stage.box.put(prompt)
            raise

    async def play(self, events: AsyncGenerator[Event, None]) -> TurnFinished | None:
        """Show events as they come; gives the end of the turn, where they are those of one."""
        ended: TurnFinished | None = None
        self._began, self.ending = None, False
        self.standing.begin()
        self.show_status()
        try:
            async with aclosing(events):
                async for event in events:
                    self._began, self._sent = self._began or time.monotonic(), True
                    self.show(event)
                    if event.kind == "usage":
                        await self._measure()
                    if event.kind == "turn_finished":
                        ended, self.ending = event, not self.queue
        finally:
            self._began = None
            self.standing.end()
        await self._look()
        if ended is not None:
            await self._offer_review()
        if ended is not None and ended.duration_s > LONG_TURN_S and not self.watched:
            notify_desktop(self.app, text("conversation.ended", seconds=round(ended.duration_s)))
        self.ending = False  # what follows, a proof say, may take long
        return ended

    def show(self, event: Event) -> None:
        """What happened, for the reader."""
        self.stage.view.apply(event)
        self.standing.apply(event)
        activity = self.stage.activity
        activity.activity = doing(event, activity.activity, time.monotonic())
        match event.kind:
            case "steered":
                self.say(text("conversation.steered", text=event.text))
            case "usage" | "cache_broken" | "step_started" | "turn_finished":
                self.show_status()
            case _:
                pass

    def steer(self, said: str) -> bool:
        """Say something in the running turn; False where none runs that could hear it."""
        if self.live is None or self.live.place is None or self._began is None:
            return False
        self.live.steer(said)
        self.say(text("conversation.steering", text=said))
        return True

    def interrupt(self) -> bool:
        """End what runs; False where nothing does. A second time it ends at once."""
        if self._work is None:
            return False
        if self._began is not None and not self._cancelling and self.live is not None:
            self._cancelling = True
            self.live.cancel()
        else:
            self._cancelling = True
            self._work.cancel()
        return True

    async def take_back(self, number: int) -> str:
        """Take a waiting message out of the queue; empty where it is gone."""
        found = next((each for each in self.queue if each.id == number), None)
        if found is not None:
            self.queue.remove(found)
            await self.show_queue()
        return found.text if found else ""

    async def show_queue(self) -> None:
        await self.stage.box.show_queue(self.queue)

    def show_status(self) -> None:
        if self.app.is_running:
            self.stage.status.status = self.standing.status(self.opening.settings, self.live)

    async def aclose(self) -> None:
        """End what runs and close the session."""
        if (work := self._work) is not None:
            self._cancelling = True
            work.cancel()
            await self._idle.wait()
        await self.opening.aclose()

    async def _offer_review(self) -> None:
        """Changes of an isolated workspace reach the user's files by a review."""
        live = self.live
        if (
            live is None
            or live.place is None
            or live.place.workspace.mode == "direct"
            or live.settings.apply == "never"
        ):
            return
        from glmcode.live.reviewing import changed_files

        if files := await changed_files(live):
            self.say(text("review.waiting", count=len(files)))

    async def _measure(self) -> None:
        if self.live is not None:
            await self.standing.measure(self.live)

    async def _look(self) -> None:
        """What a turn may have changed beside the conversation."""
        await self._measure()
        await self.standing.look_at(self.opening.start.repo)
        self.show_status()
