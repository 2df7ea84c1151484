"""Asks the engine for the answer of one step, and asks again where it did not fit or was cut off while thinking."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from glmcode.events import AssistantDelta, Event, ReasoningDelta, Retry
from glmcode.loop.turn import NO_ROOM, LimitReached, Tally
from glmcode.loop.watch import TurnWatch
from glmcode.loop.window import Window
from glmcode.session.store import Session
from glmcode_engine.assemble import Assembler
from glmcode_engine.base import Engine, EngineError, Repaired, StreamPart, closing
from glmcode_engine.messages import Message, Request, ToolSpec, Usage

if TYPE_CHECKING:
    from glmcode.loop.compacting import Compacting

MOST_COMPACTIONS = 2
"""In one step; the second aims at half of what the first did, or less."""


class Asking:
    """The requests of one turn."""

    def __init__(
        self,
        engine: Engine,
        session: Session,
        window: Window,
        tools: tuple[ToolSpec, ...],
        call_ids: set[str],
        *,
        thinking: bool,
        tally: Tally,
        watch: TurnWatch,
        emit: Callable[[Event], None],
    ) -> None:
        """`call_ids` holds the ids of the session so far; those of new answers join it."""
        self._engine = engine
        self._session = session
        self._window = window
        self._tools = tools
        self._call_ids = call_ids
        self._thinking = thinking
        self._tally = tally
        self._watch = watch
        self._emit = emit
        self._answer: Assembler | None = None
        self._targets: list[int] = []
        """What the compactions of this step aimed at."""
        self._crowded = False
        """Whether compacting ahead no longer makes room; each further step would only try in vain."""

    async def answer(self, step: int) -> tuple[Message, str]:
        """The answer and the server's reason for stopping. Raises EngineError, LimitReached."""
        self._targets = []
        thinking = self._thinking
        if not self._crowded and await self._window.overfull(self._request(thinking)):
            await self._compact("the prompt left too little room for an answer")
            self._crowded = await self._window.overfull(self._request(thinking))
        while True:
            if (ending := self._tally.spent()) is not None:
                raise LimitReached(ending)
            try:
                message, stop = await self._stream(step, self._request(thinking))
            except EngineError as error:
                if error.kind != "overflow":
                    raise
                self._window.learn(error.window)
                if not await self._compact("the server refused the prompt as too long"):
                    raise EngineError("overflow", f"{error}; compacting did not help: {NO_ROOM}") from None
                self._give_up("overflow", "the prompt was too long; asked again")
                continue
            if self._fills_window(stop) and await self._compact("the window was full before the answer was complete"):
                self._give_up("overflow", "the window was full before the answer was complete; asked again")
            elif thinking and stop == "length" and not message.content.strip() and not message.tool_calls:
                thinking = False
                self._give_up("cut_thinking", "the output limit came while thinking; asked again with thinking off")
            else:
                self._call_ids.update(call.id for call in message.tool_calls)
                self._answer = None
                return message, stop

    async def compact(self, hint: str) -> None:
        """Compact between two turns, since the user asks for it; `hint` says what is to be kept."""
        await self._compacting(hint).compact("the user asked for it", await self._target())

    def partial(self) -> Message | None:
        """What had come of an answer that was cut short, without its calls; None where there is none. Gives it once."""
        answer, self._answer = self._answer, None
        if answer is None:
            return None
        message = answer.message(partial=True).model_copy(update={"tool_calls": ()})
        return message if message.content or message.reasoning_content else None

    def _request(self, thinking: bool) -> Request:
        return Request(messages=tuple(self._session.messages), tools=self._tools, thinking=thinking)

    async def _stream(self, step: int, request: Request) -> tuple[Message, str]:
        self._answer = answer = Assembler(f"call_{self._session.said}_", taken=self._call_ids)
        self._tally.requests += 1
        async with closing(self._engine.stream(request)) as parts:
            async for part in parts:
                self._window.begin_asking()
                if part.kind == "repaired":
                    self._watch.repaired(part, answer.message(partial=True) if part.restarts else None)
                answer.add(part)
                self._show(step, part)
        usage = answer.usage or Usage()
        self._tally.count(usage)
        self._window.reported(usage.prompt_tokens)
        return answer.message(), answer.stop or "stop"

    def _show(self, step: int, part: StreamPart) -> None:
        match part.kind:
            case "reasoning":
                self._emit(ReasoningDelta(step=step, text=part.text))
            case "text":
                self._emit(AssistantDelta(step=step, text=part.text))
            case "retry":
                self._emit(Retry(attempt=part.attempt, delay_s=part.delay_s, reason=part.reason))
            case _:
                pass

    def _give_up(self, repair: str, detail: str) -> None:
        """What came of the present answer is void; it is asked for again."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.empty:
            self._watch.repaired(Repaired(repair, detail, restarts=True), answer.message(partial=True))
        if (counted := self._tally.report()) is not None:
            self._emit(counted)

    def _fills_window(self, stop: str) -> bool:
        """Whether an answer ended because prompt and answer together filled the window."""
        if stop == "length":  # SGLang's word for it, too
            usage = (self._answer and self._answer.usage) or Usage()
            return self._window.is_full(usage.prompt_tokens + usage.completion_tokens)
        return stop == "model_context_window_exceeded"

    async def _compact(self, cause: str) -> bool:
        """Whether the conversation is shorter now."""
        if len(self._targets) == MOST_COMPACTIONS:
            return False
        self._targets.append(await self._target())
        return await self._compacting().compact(cause, self._targets[-1])

    async def _target(self) -> int:
        """Half of the window, of the last target or, by our count, of the prompt that did not fit: of the least."""
        window = await self._window.asked()
        prompt = await self._window.expected(self._request(self._thinking))
        return min(prompt, window or prompt, *self._targets) // 2

    def _compacting(self, hint: str = "") -> "Compacting":
        from glmcode.loop.compacting import Compacting  # what only few turns need

        return Compacting(self._session, self._engine, self._window, self._tools, self._tally, self._emit, hint)
