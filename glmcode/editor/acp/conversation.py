"""One session of an editor: its prompts, one turn at a time, and what may happen beside a turn."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Literal

from acp.exceptions import RequestError
from acp.interfaces import Client
from acp.schema import PromptResponse

from glmcode import paths
from glmcode.config import Settings
from glmcode.editor.acp.commands import Command, available, command_in
from glmcode.editor.acp.errors import FAILURES, INTERNAL, busy, request_error, stop_reason, turn_error
from glmcode.editor.acp.person import Person
from glmcode.editor.acp.prompt import Blocks, Composed, ReadBuffer, compose
from glmcode.editor.acp.shown import Shown
from glmcode.events import Event, TurnFinished
from glmcode.live.session import LiveSession, People
from glmcode.loop.asides import AsideEvent
from glmcode.session import store


class Conversation:
    """A live session behind an editor. Made by `open_conversation`."""

    def __init__(self, live: LiveSession, shown: Shown, person: Person, read_buffer: ReadBuffer | None) -> None:
        self.live = live
        self._shown = shown
        self._person = person
        self._read_buffer = read_buffer
        self._task: asyncio.Task[PromptResponse] | None = None
        """The prompt that is being answered."""
        self._cancelled = False
        self._cancels = 0
        """How often the user cancelled: what is said before that is not answered after it."""
        self._ends_in_order = False
        """Whether what runs tells its own end when it is cancelled."""
        self._phase: Literal["before", "steps", "over"] = "before"
        """Where the turn is: only its steps hear what is said beside it."""
        # Image and engine are found while the user still types.
        self._preparing = asyncio.create_task(self._prepare())

    @property
    def id(self) -> str:
        """The session's id."""
        return self._shown.session_id

    @property
    def is_busy(self) -> bool:
        """Whether a prompt is being answered."""
        return self._task is not None

    async def prompt(self, blocks: Blocks) -> PromptResponse:
        """Answer one prompt; one that comes while a turn runs is said in that turn, or answered after it where it
        came too late for that. Raises RequestError."""
        if self._task is not None:
            return await self._beside(blocks)
        self._cancelled = self._ends_in_order = False
        self._phase = "before"
        self._task = asyncio.create_task(self._answer(blocks))
        self._person.prompting.set()
        try:
            return await self._task
        except asyncio.CancelledError:
            if not self._cancelled or _is_cancelled():
                raise
            return PromptResponse(stop_reason="cancelled")
        except FAILURES as error:
            raise request_error(error) from None
        finally:
            self._task = None
            self._person.prompting.clear()

    def cancel(self) -> None:
        """End what runs; the partial answer is kept, and a question that waits is taken back."""
        self._cancels += 1
        if self._task is None or self._task.cancelling():
            return
        was_cancelled, self._cancelled = self._cancelled, True
        if not self._ends_in_order:
            self._task.cancel()
        elif not was_cancelled:
            self.live.cancel()

    async def replay(self) -> None:
        """Tell the whole of a session that is on disk. Raises SessionError."""
        await self._shown.replay(store.session_file(paths.sessions_dir(), self.id))

    async def announce(self) -> None:
        """Tell what the user may type."""
        await self._shown.send(available())

    async def aclose(self) -> None:
        """End what runs, with an answer to its prompt, and close everything."""
        self._cancels += 1
        self._cancelled = True
        tasks = [task for task in (self._task, self._preparing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.live.aclose()

    async def show(self, events: AsyncGenerator[Event, None] | AsyncGenerator[AsideEvent, None]) -> int:
        """Show events in the editor; gives how many there were. Raises RequestError where they tell of a failure."""
        count = 0
        async with aclosing(events):
            async for event in events:
                count += 1
                await self._tell(event)
                if event.kind == "error":
                    raise RequestError(INTERNAL, event.message)
        return count

    async def say(self, text: str) -> None:
        """Answer the user in the program's own words."""
        await self._shown.say(text)

    async def tell_options(self) -> None:
        """Tell the editor what is chosen now."""
        await self._shown.options()

    async def _prepare(self) -> None:
        with suppress(*FAILURES):  # the first prompt meets the same, and says so
            await self.live.prepare()

    async def _answer(self, blocks: Blocks) -> PromptResponse:
        composed = await compose(blocks, self.live.repo, self._read_buffer)
        await self._person.tell_notes()
        given = command_in(composed.typed)
        if given is None:
            return await self._turn(composed)
        await self._command(*given)
        await self._shown.between_turns()
        return PromptResponse(stop_reason="cancelled" if self._cancelled else "end_turn")

    async def _beside(self, blocks: Blocks) -> PromptResponse:
        """What comes while something runs."""
        cancels = self._cancels
        composed = await compose(blocks, self.live.repo, self._read_buffer)
        given = command_in(composed.typed)
        if given is not None and given[0].while_running:
            await self._command(*given)
            return PromptResponse(stop_reason="end_turn")
        is_late = self._task is None or self._cancelled or self._phase == "over"
        if not is_late:
            if given is not None or self._phase == "before":
                raise busy(f"/{given[0].name}" if given else "The prompt")
            self.live.steer(composed.whole)
        if self._task is not None:
            await asyncio.wait([self._task])
        place = self.live.place
        is_heard = not is_late and not (place and place.agent.withdraw(composed.whole))
        return await self._afterwards(blocks, cancels, is_heard=is_heard)

    async def _afterwards(self, blocks: Blocks, cancels: int, *, is_heard: bool) -> PromptResponse:
        """The answer to what came beside a turn that ended; a prompt of its own where the turn did not hear it."""
        while not is_heard and self._cancels == cancels and self._task is not None:
            await asyncio.wait([self._task])  # others came before
        if self._cancels != cancels:
            return PromptResponse(stop_reason="cancelled")
        return PromptResponse(stop_reason="end_turn") if is_heard else await self.prompt(blocks)

    async def _command(self, command: Command, text: str) -> None:
        try:
            await command.run(self, text)
        except FAILURES as error:
            raise request_error(error) from None

    async def _turn(self, composed: Composed) -> PromptResponse:
        for note in composed.notes:
            self.live.told.add(note)
        finished: TurnFinished | None = None
        failure = ""
        async with aclosing(self.live.turn(composed.typed)) as events:
            async for event in events:
                await self._tell(event)
                if event.kind == "error":
                    failure = event.message
                elif event.kind == "turn_finished":
                    finished = event
        assert finished is not None, "every turn ends with turn_finished"
        usage = self._shown.used.turn(finished)
        await self._shown.between_turns()
        reason = "cancelled" if self._cancelled else stop_reason(finished)
        if reason is None:
            raise turn_error(finished, failure)
        if finished.reason in ("error", "limit"):
            await self.say(failure or f"A limit was reached: {finished.detail}.")
        return PromptResponse(stop_reason=reason, usage=usage)

    async def _tell(self, event: Event) -> None:
        match event.kind:
            case "step_started":
                self._ends_in_order, self._phase = True, "steps"
            case "tool_started":
                self._ends_in_order = True
            case "turn_finished":
                self._ends_in_order, self._phase = False, "over"
            case "tool_finished" if event.step == 0:  # by hand: what comes now are questions
                self._ends_in_order = False
            case _:
                pass
        await self._shown.event(event)


def _is_cancelled() -> bool:
    """Whether it is the request itself that is to end, since the connection does."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def open_conversation(
    settings: Settings, client: Client, *, new_id: str | None, read_buffer: ReadBuffer | None, notes: list[str]
) -> Conversation:
    """A conversation of a new session, or the one of `settings.resume`. Raises ConfigError, WorkspaceError."""
    person = Person(notes)
    people = People(say=person.say, ask=person.ask, confirm=person.confirm)
    # In a thread: the key may come from the system keyring.
    live = await asyncio.to_thread(LiveSession, settings, people, new_id=new_id)
    session_id = settings.resume or new_id
    assert session_id is not None
    person.shown = shown = Shown(client, session_id, live)
    return Conversation(live, shown, person, read_buffer)
