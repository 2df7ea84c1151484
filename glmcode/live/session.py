"""A session that lives as long as its person wants: turns one after the other, and all that may change between them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from glmcode import paths
from glmcode.config import Settings
from glmcode.events import CacheBroken, Event, SessionStarted, ToolFinished
from glmcode.live.indexing import Indexing
from glmcode.live.meter import Meter, measure
from glmcode.live.packing import Packing
from glmcode.live.people import People
from glmcode.live.place import Place, open_place
from glmcode.live.told import Told, waiting_notes
from glmcode.loop.asides import AsideEvent, aside
from glmcode.loop.window import Window
from glmcode.model.engines import open_engine, ready_window, start_engine, window_asker
from glmcode.opening import prices_of
from glmcode.places.images import describe_sandbox, resolve_image
from glmcode.policy import ApprovalMode
from glmcode.session import store
from glmcode_engine.base import Engine
from glmcode_sandbox.open import probe
from glmcode_sandbox.workspace import find_repository

__all__ = ["LiveSession", "People"]


class LiveSession:
    """One person, one repository, one engine; nothing is opened and no file is made before the first turn.

    Not for concurrent turns: a face waits for one to end, or cancels it, before it begins another.
    """

    def __init__(self, settings: Settings, people: People, *, new_id: str | None = None) -> None:
        """`new_id` becomes the id of the first new session, where somebody must know it before there is a file.

        Raises ConfigError where the engine cannot be made, WorkspaceError where there is no repository.
        """
        interactive = {"workspace": settings.workspace or "direct", "approval": settings.approval or "ask"}
        self.settings = settings.model_copy(update=interactive)
        self.repo = find_repository(settings.repo or Path.cwd())
        self.engine: Engine = open_engine(self.settings)
        self.told = Told()
        self.place: Place | None = None
        """What is open; None before the first turn, and after a session was left."""
        self.pack_tokens = 0
        self.indexing = Indexing(self.repo, people.indexing)
        self.packing = Packing(self.settings, self.repo, self.indexing)
        self.people = people
        self._new_id = new_id
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._ready: asyncio.Task[str | None] | None = None
        self._broken: list[CacheBroken] = []

    @property
    def id(self) -> str | None:
        """The session's id; None while there is no file."""
        return self.place.session.id if self.place else self.settings.resume

    @property
    def mode(self) -> ApprovalMode:
        """What happens when a call wants to leave the policy."""
        return self.settings.approval or "ask"

    @mode.setter
    def mode(self, mode: ApprovalMode) -> None:
        self.settings = self.settings.model_copy(update={"approval": mode})
        if self.place:
            self.place.agent.policy = replace(self.place.agent.policy, mode=mode)

    @property
    def thinking(self) -> Literal["on", "off", "auto"]:
        """Whether the model thinks; a change takes effect with the next turn."""
        return self.settings.thinking

    @thinking.setter
    def thinking(self, thinking: Literal["on", "off", "auto"]) -> None:
        changed = (thinking != "off") != (self.thinking != "off")
        self.settings = self.settings.model_copy(update={"thinking": thinking})
        if self.place and changed:
            self.place.agent.thinking = thinking != "off"
            self._broken.append(CacheBroken(segment="user messages", cause=f"thinking switched {thinking}"))

    @property
    def sandbox_line(self) -> str:
        """One line: what commands run in."""
        if self.place:
            return self.place.sandbox.description
        return describe_sandbox(
            self.settings.sandbox, self.settings.network, self.settings.image, self.settings.runtime
        )

    async def prepare(self) -> None:
        """Find the image, start the engine and the index, once; a face may begin with it while its person still types.

        Raises ConfigError, NoSandboxError, SandboxError, EngineError; it may be called again then.
        """
        if self.packing.budget != 0:
            self.indexing.begin()
        if self._ready is None or (self._ready.done() and (self._ready.cancelled() or self._ready.exception())):
            self._ready = asyncio.create_task(self._prepared())
        await asyncio.shield(self._ready)

    async def stop_preparing(self) -> None:
        """End `prepare` where it still goes on; a server that was only started for it ends."""
        if self._ready is not None and not self._ready.done():
            self._ready.cancel()
            await asyncio.wait([self._ready])
            await self.engine.aclose()

    async def _prepared(self) -> str | None:
        image = await resolve_image(self.settings, self.repo, self.people.say, ask=self.people.confirm)
        await probe(self.settings.sandbox, image)
        await start_engine(self.engine, self.people.say, self.people.watch)
        return image

    async def open(self, first_prompt: str) -> Place:
        """What is open, opened where it is not. Raises what `prepare` raises, SessionError, WorkspaceError."""
        async with self._opening:  # a question beside the first turn waits for what that opens
            if self.place is None:
                await self.prepare()
                self.place = await self._opened(first_prompt)
        return self.place

    async def _opened(self, first_prompt: str) -> Place:
        place = await self._stack.enter_async_context(
            open_place(
                self.settings,
                self.repo,
                self.engine,
                self.image,
                first_prompt,
                say=self.people.say,
                ask=self.people.ask,
                new_id=self._new_id,
            )
        )
        self._new_id = None
        earlier = await asyncio.to_thread(waiting_notes, place.session) if self.settings.resume else []
        self.told.keep(place.session, earlier)
        if self.settings.resume and (told := await self.packing.resumed(place.session, place.workspace)):
            self.told.add(told, found=True)
        for note in place.workspace.notes:
            self.people.say(note)
        return place

    @property
    def image(self) -> str | None:
        """The sandbox image, once `prepare` is through; None: the default one, or none is used."""
        return self._ready.result() if self._ready is not None and self._ready.done() else None

    async def turn(self, prompt: str, *, typed: str | None = None) -> AsyncGenerator[Event, None]:
        """One turn, from the prompt to `turn_finished`. Raises what `open` raises, before anything is sent.

        `typed`: what of the prompt the user wrote; None: all of it.
        """
        place = await self.open(prompt)
        text = await self._composed(place, prompt)
        if not place.announced:
            place.announced = True
            yield self._announce(place)
        while self._broken:
            event = self._broken.pop(0)
            place.session.append_event(event)
            yield event
        async with aclosing(place.agent.run(text, typed=prompt if typed is None else typed)) as events:
            async for each in events:
                if each.kind != "step_started":
                    place.sandbox.begin()
                yield each
        await self.packing.turn_ended(place.session)
        await self._look(place)

    async def by_hand(self, tool: str, arguments: str) -> AsyncGenerator[Event, None]:
        """Run a tool for the user between two turns; the model is told of it with the next message."""
        place = await self.open(f"{tool} {arguments}")
        title = tool
        async with aclosing(place.agent.by_hand(tool, arguments)) as events:
            async for each in events:
                if each.kind == "tool_started":
                    title = each.title
                elif isinstance(each, ToolFinished):
                    self.told.ran(title, each.text)
                yield each
        await self._look(place, since_prompt=False)

    async def _look(self, place: Place, *, since_prompt: bool = True) -> None:
        """Ask about what commands did to protected files."""
        guard, policy = place.guard, place.agent.policy
        if guard and (note := await guard.look(policy, self.people, since_prompt=since_prompt)):
            self.told.add(note)

    def aside(self, question: str) -> AsyncGenerator[AsideEvent, None]:
        """Ask beside the conversation, also while a turn runs; only once a session is open. See `asides.aside`."""
        assert self.place is not None, "there is no conversation yet"
        return aside(self.engine, self.place.session, self.place.agent.specs, question)

    async def compact(self, hint: str = "") -> AsyncGenerator[Event, None]:
        """Shorten the conversation between two turns; nothing comes where it is short or not begun."""
        if self.place:
            async with aclosing(self.place.agent.compact(hint)) as events:
                async for each in events:
                    yield each

    def cancel(self) -> None:
        """End the running turn; its partial answer is kept."""
        if self.place:
            self.place.agent.cancel()

    def steer(self, text: str) -> None:
        """Say something in the running turn."""
        if self.place:
            self.place.agent.steer(text)

    async def meter(self) -> Meter | None:
        """How full the window is; None before the first turn."""
        if self.place is None:
            return None
        return await measure(self.place.agent, self.place.session.messages, self.place.pack_chars)

    async def switch(self, **changes: Any) -> None:
        """Go on with another engine or model: names and values of settings. Raises ConfigError, EngineError."""
        settings = Settings.model_validate({**self.settings.model_dump(), **changes})
        engine = open_engine(settings)
        try:
            await start_engine(engine, self.people.say, self.people.watch)
        except BaseException:
            await engine.aclose()
            raise
        old, self.engine, self.settings = self.engine, engine, settings
        if self.place:
            agent = self.place.agent
            agent.engine, agent.prices = engine, prices_of(settings, engine)
            agent.window = Window(settings.window, ask=window_asker(engine, settings))
            self._broken.append(CacheBroken(segment="everything", cause=f"the model is {engine.info.model} now"))
        await old.aclose()

    async def leave(self) -> None:
        """Close what is open and stay with the session: the next turn goes on with it."""
        place, self.place = self.place, None
        if place is not None:
            self.settings = self.settings.model_copy(update={"resume": place.session.id})
            self.told.forget()
            await self._stack.aclose()

    async def change_to(self, session: str | None) -> None:
        """Leave for another session, by its id; None: a new one. Raises SessionError where there is no such session."""
        if session is not None:
            store.session_file(paths.sessions_dir(), session)
        await self.leave()
        self.settings = self.settings.model_copy(update={"resume": session})
        self.pack_tokens, self.packing = 0, Packing(self.settings, self.repo, self.indexing)

    async def aclose(self) -> None:
        """Close everything."""
        try:
            await self.leave()
        finally:
            await self.indexing.aclose()
            if self._ready is not None:
                self._ready.cancel()
                await asyncio.wait([self._ready])
            await self.engine.aclose()

    def _announce(self, place: Place) -> SessionStarted:
        event = SessionStarted(
            session=place.session.id,
            repo=str(self.repo),
            engine=self.engine.info,
            sandbox=place.sandbox.description,
            workspace=place.workspace.mode,
            approval=self.mode,
            thinking=self.thinking != "off",
            context_tokens=self.pack_tokens,
            base_commit=place.workspace.base_commit,
            resumed=bool(self.settings.resume),
        )
        place.session.append_event(event)
        return event

    async def _composed(self, place: Place, prompt: str) -> str:
        """The user message: before the first one the repository pack, before each what is to be told."""
        begun = any(message.role == "user" for message in place.session.messages)
        if begun and place.workspace.mode == "direct" and (changes := await self.packing.changes(self.people.say)):
            self.told.add(changes)
        if begun or self.packing.budget == 0:
            return self.told.before(prompt)
        window = await ready_window(self.engine, self.settings)
        packed = await self.packing.send(prompt, window, prices_of(self.settings, self.engine), self.people.say)
        self.pack_tokens, place.pack_chars = packed.tokens, len(packed.text)
        text = self.told.before(prompt)
        return f"{packed.text}\n\n{text}" if packed.text else text
