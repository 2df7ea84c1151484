"""Asks again when a server is busy or out of reach, also where it broke off in the middle of an answer."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from glmcode_engine.base import Engine, EngineError, EngineInfo, Repaired, RetryNotice, StreamPart, closing
from glmcode_engine.messages import Request

_ANSWER_KINDS = frozenset({"reasoning", "text", "tool_call"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again. Times are seconds."""

    max_wait_s: float = 300.0
    """After the first failure, no attempt starts later than this. 0: never try again. Overloads last for minutes."""
    first_delay_s: float = 1.0
    factor: float = 2.0
    max_delay_s: float = 30.0
    jitter: float = 0.25
    """A delay varies by this part of itself, so that several clients do not return at once."""
    brief_delays_s: tuple[float, ...] = (0.5, 1.5)
    """The whole patience with a server that is not there at all."""

    def delay(
        self, error: EngineError, failures: int, elapsed_s: float, chance: float, *, was_there: bool = False
    ) -> float | None:
        """How long to wait after the `failures`-th failure (from 1), or None to give up. `chance` is in [0, 1).

        A server that `was_there` and is gone may be starting again, which takes minutes.
        """
        spread = 1 + self.jitter * (2 * chance - 1)
        match error.retry:
            case "never":
                return None
            case "briefly" if not was_there:
                if failures > len(self.brief_delays_s):
                    return None
                delay = self.brief_delays_s[failures - 1] * spread
            case "briefly" | "patiently":
                steps = min(failures - 1, 64)
                delay = min(self.first_delay_s * self.factor**steps, self.max_delay_s) * spread
        delay = max(delay, error.retry_after_s or 0.0)
        return delay if elapsed_s + delay <= self.max_wait_s else None


class PatientEngine:
    """Any engine, asked again after failures that pass; announces each wait with a RetryNotice.

    An answer that broke off is void, since no server goes on where it stopped: a `Repaired` part that restarts says so.
    """

    def __init__(
        self,
        engine: Engine,
        patience: Patience = Patience(),
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._patience = patience
        self._sleep = sleep
        self._clock = clock
        self._chance = chance
        self._was_there = False
        """Whether it has answered, or failed as only a server can that is there."""

    @property
    def info(self) -> EngineInfo:
        """Who answers: the engine inside."""
        return self._engine.info

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Stream one answer; see `Engine.stream`.

        When patience ends, the last error goes out, and what came of the last answer still holds.
        """
        failures = 0
        first_failure: float | None = None
        while True:
            answered = False
            try:
                async with closing(self._engine.stream(request)) as parts:
                    async for part in parts:
                        answered = answered or part.kind in _ANSWER_KINDS
                        yield part
                self._was_there = True
                return
            except EngineError as error:
                failures += 1
                self._was_there = self._was_there or answered or error.retry == "patiently"
                now = self._clock()
                first_failure = now if first_failure is None else first_failure
                elapsed_s = now - first_failure
                delay = self._patience.delay(error, failures, elapsed_s, self._chance(), was_there=self._was_there)
                if delay is None:
                    raise
                reason = str(error)
            if answered:
                yield Repaired(
                    "broken_stream", "the answer broke off in the middle; what came of it is void", restarts=True
                )
            yield RetryNotice(attempt=failures, delay_s=delay, reason=reason)
            await self._sleep(delay)

    async def aclose(self) -> None:
        """Close the engine inside."""
        await self._engine.aclose()
