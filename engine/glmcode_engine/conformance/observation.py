"""Sends one request and writes down what came back, and when."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from glmcode_engine.assemble import Assembler
from glmcode_engine.base import Engine, EngineError, StreamPart, ToolCallDelta, closing
from glmcode_engine.messages import Request, ToolCall, Usage
from glmcode_engine.remote import RemoteEngine

_SAID = frozenset({"reasoning", "text", "tool_call"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """One part, and when it came: seconds since its request was sent."""

    at_s: float
    part: StreamPart


@dataclass(frozen=True)
class Observed:
    """One request and all that came back for it."""

    request: Request
    arrivals: tuple[Arrival, ...] = ()
    error: EngineError | None = None
    seconds: float = 0.0
    """From the request to the end, the waits for a busy server included."""
    left_early: bool = False
    """The stream was closed before its end."""
    retries: tuple[str, ...] = ()
    """Why it had to be asked again before."""

    @property
    def parts(self) -> tuple[StreamPart, ...]:
        """All parts in order."""
        return tuple(arrival.part for arrival in self.arrivals)

    @property
    def reasoning(self) -> str:
        """The thinking, as it arrived in its own field."""
        return self._folded.message().reasoning_content or ""

    @property
    def text(self) -> str:
        """The answer's text."""
        return self._folded.message().content

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls that arrived as such."""
        return self._folded.message().tool_calls

    @property
    def call_pieces(self) -> tuple[ToolCallDelta, ...]:
        """The pieces that these calls came in."""
        return tuple(part for part in self.parts if isinstance(part, ToolCallDelta))

    @property
    def usage(self) -> Usage | None:
        """The last count the server sent."""
        return self._folded.usage

    @property
    def stop(self) -> str | None:
        """The server's word for why it stopped; None where the answer was not complete."""
        return self._folded.stop

    @property
    def first_s(self) -> float | None:
        """Seconds to the first part of the answer; None where none came."""
        return next((arrival.at_s for arrival in self.arrivals if arrival.part.kind in _SAID), None)

    @property
    def last_s(self) -> float | None:
        """Seconds to the last part of the answer; None where none came."""
        return next((arrival.at_s for arrival in reversed(self.arrivals) if arrival.part.kind in _SAID), None)

    def pieces(self, kind: Literal["reasoning", "text"]) -> int:
        """How many parts of this kind came."""
        return sum(part.kind == kind for part in self.parts)

    @cached_property
    def _folded(self) -> Assembler:
        return fold(self.parts)


def fold(parts: Iterable[StreamPart]) -> Assembler:
    """The parts as one answer."""
    answer = Assembler()
    for part in parts:
        answer.add(part)
    return answer


async def observe(engine: Engine, request: Request, *, enough: int | None = None) -> Observed:
    """Ask once. `enough` closes the stream after so many parts of the answer. An EngineError is part of what is seen.

    When a server has to be asked again, what came before is void and the clock of the arrivals starts anew.
    """
    began = sent = time.perf_counter()
    arrivals: list[Arrival] = []
    error: EngineError | None = None
    retries: list[str] = []
    left, said = False, 0
    try:
        async with closing(engine.stream(request)) as parts:
            async for part in parts:
                now = time.perf_counter()
                if part.kind == "retry":
                    sent = now + part.delay_s
                    retries.append(part.reason)
                    continue
                if part.kind == "repaired" and part.restarts:
                    arrivals.clear()
                    said = 0
                    continue
                arrivals.append(Arrival(now - sent, part))
                said += part.kind in _SAID
                if enough is not None and said >= enough:
                    left = True
                    break
    except EngineError as caught:
        error = caught
    return Observed(request, tuple(arrivals), error, time.perf_counter() - began, left, tuple(retries))


async def connect(engine: RemoteEngine) -> None:
    """Ask for something small, so that the first measured answer waits for no client and no connection to be made.

    What comes of it does not matter: the first answer will say what is wrong.
    """
    with suppress(EngineError):
        await engine.call("GET", "/models")
