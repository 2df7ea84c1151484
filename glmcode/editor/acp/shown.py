"""What an editor shows of one session: the way of every update to it."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from acp.interfaces import Client
from acp.schema import AvailableCommandsUpdate, ConfigOptionUpdate, CurrentModeUpdate, SessionInfoUpdate, UsageUpdate

from glmcode.editor.acp import options
from glmcode.editor.acp.calls import Call
from glmcode.editor.acp.updates import Update, Updates
from glmcode.editor.acp.usage import Used
from glmcode.events import Event, SessionStarted, UsageCounted
from glmcode.live.session import LiveSession
from glmcode.model.engines import is_script
from glmcode.session.replaying import replayed

Told = Update | AvailableCommandsUpdate | ConfigOptionUpdate | CurrentModeUpdate | SessionInfoUpdate | UsageUpdate


class Shown:
    """The editor's view of a session."""

    def __init__(self, client: Client, session_id: str, live: LiveSession) -> None:
        self.client = client
        self.session_id = session_id
        self.used = Used()
        self._live = live
        self._updates = Updates(live.repo, live=True)
        self._calls: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        """Whether a call is shown, by its id."""

    async def send(self, update: Told) -> None:
        """One update. To an editor that is gone nothing is sent; the end of the connection ends what runs."""
        with suppress(ConnectionError):
            await self.client.session_update(self.session_id, update)

    async def event(self, event: Event) -> None:
        """Whatever is to be seen of an event."""
        if event.kind == "session_started":
            await self._place(event)
        for update in self._updates.of(event):
            await self.send(update)
        if event.kind == "tool_started":
            self._calls[event.call_id].set()
        elif event.kind == "usage":
            await self._usage(event)

    async def call(self, call_id: str) -> Call | None:
        """A call that runs, once the editor shows it."""
        await self._calls[call_id].wait()
        return self._updates.call(call_id)

    async def say(self, text: str) -> None:
        """The program's own words."""
        await self.send(self._updates.answer(text))

    async def news(self, text: str) -> None:
        """One line beside the conversation."""
        await self.send(self._updates.news(text))

    async def options(self) -> None:
        """What is chosen now, when something else than the editor chose it."""
        for update in options.told(self._live):
            await self.send(update)

    async def between_turns(self) -> None:
        """The title, and how full the window is for the next prompt."""
        self._calls.clear()
        if self._live.place:
            title = self._live.place.session.header.title
            now = datetime.now(UTC).isoformat(timespec="seconds")
            await self.send(SessionInfoUpdate(session_update="session_info_update", title=title, updated_at=now))
        meter = await self._live.meter()
        if meter and (update := self.used.measured(meter)):
            await self.send(update)

    async def replay(self, path: Path) -> None:
        """The whole of a session file. Raises SessionError."""
        updates = Updates(self._live.repo, live=False)
        for event in await asyncio.to_thread(lambda: list(replayed(path))):
            for update in updates.of(event):
                await self.send(update)
        for update in updates.cut_off():
            await self.send(update)

    async def _place(self, event: SessionStarted) -> None:
        """What works here and where; loudly where that is not what people expect."""
        await self.news(f"{event.engine.model}; {event.sandbox}; workspace {event.workspace}")
        warnings = ["A script is playing here, not a model."] if is_script(event.engine) else []
        if self._live.settings.sandbox == "none":
            warnings.append("Commands run on this machine, without a sandbox.")
        if warnings:
            await self.say(f"{' '.join(warnings)}\n\n")

    async def _usage(self, event: UsageCounted) -> None:
        window = self._live.place.agent.window.tokens if self._live.place else None
        if update := self.used.request(event, window):
            await self.send(update)
