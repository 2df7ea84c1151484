"""The stream guard: stands between an engine and the loop and puts right what GLM and its servers are known to break.

It recovers tool calls that leaked as text, cleans garbled calls, and stops answers that run in circles. Each repair is
a `Repaired` part. What is not whole or not clear is never made into a call that could run.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from glmcode_engine.base import Engine, EngineError, EngineInfo, Repaired, StreamPart, closing
from glmcode_engine.messages import Request
from glmcode_engine.repair.degenerate import Degenerate

if TYPE_CHECKING:
    from glmcode_engine.repair.guarded_answer import GuardedAnswer

THINKING_BUDGET = 32_768


class GuardedEngine:
    """Any engine, with its streams put right. The parts of tool calls come at the end of the answer, one a call."""

    def __init__(self, engine: Engine, *, thinking_budget: int = THINKING_BUDGET) -> None:
        """`thinking_budget`: how many tokens one answer may think before it is asked for anew without thinking."""
        self._engine = engine
        self._thinking_budget = thinking_budget

    @property
    def info(self) -> EngineInfo:
        """Who answers: the engine inside."""
        return self._engine.info

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Stream one answer; see `Engine.stream`. Raises EngineError (unusable) when a second try is no better."""
        try:
            async with aclosing(self._attempt(request)) as parts:
                async for part in parts:
                    yield part
            return
        except Degenerate as first:
            how = "with thinking off" if request.thinking else "once more"
            yield Repaired(first.repair, f"{first}; asked again {how}", restarts=True)
        try:
            async with aclosing(self._attempt(request.model_copy(update={"thinking": False}))) as parts:
                async for part in parts:
                    yield part
        except Degenerate as second:
            advice = "check the server (sampling, quantisation), or rephrase the task"
            raise EngineError("unusable", f"the answer was of no use twice: {second}; {advice}") from None

    async def aclose(self) -> None:
        """Close the engine inside."""
        await self._engine.aclose()

    async def _attempt(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """One stream of the engine, repaired. Raises Degenerate."""
        answer: GuardedAnswer | None = None
        async with closing(self._engine.stream(request)) as parts:
            try:
                async for part in parts:
                    answer = answer or self._answer_to(request)
                    restarts = part.kind == "repaired" and part.restarts
                    for out in (*answer.give_up(), part) if restarts else answer.take(part):
                        yield out
                    if restarts:
                        answer = None
                    if part.kind == "stop":
                        return
            except EngineError:
                for out in answer.give_up() if answer else ():
                    yield out
                raise
        for out in answer.give_up() if answer else ():
            yield out
        raise EngineError("unreachable", "the answer ended without finishing; try again")

    def _answer_to(self, request: Request) -> "GuardedAnswer":
        # Loaded with the first part: no request waits for what only answers need.
        from glmcode_engine.repair.guarded_answer import GuardedAnswer

        return GuardedAnswer(request, self._thinking_budget)
