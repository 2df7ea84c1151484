import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from glmcode_engine.base import Engine, EngineError, EngineInfo, Repaired, RetryNotice, Stop, StreamPart, TextDelta
from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.messages import Request
from glmcode_engine.patience import Patience, PatientEngine
from glmcode_engine.remote import RemoteEngine
from tests.engine.answers import ask, parts_of
from tests.engine.conftest import OpenRemote
from tests.simulated import Flavor, SimulatedEndpoint

BUSY = EngineError("rate_limited", "busy")
GONE = EngineError("unreachable", "refused", retry="briefly")
ANSWER: tuple[StreamPart, ...] = (TextDelta("hi"), Stop("stop"))


class Attempts:
    """An engine whose attempts are given: what each streams, and the error it ends with."""

    info = EngineInfo(kind="remote", model="m")

    def __init__(self, attempts: Sequence[tuple[Sequence[StreamPart], EngineError | None]]) -> None:
        self.attempts = list(attempts)
        self.made = 0
        self.closed = 0

    async def stream(self, request: Request) -> AsyncIterator[StreamPart]:
        parts, error = self.attempts[min(self.made, len(self.attempts) - 1)]
        self.made += 1
        try:
            for part in parts:
                yield part
            if error is not None:
                raise error
        finally:
            self.closed += 1

    async def aclose(self) -> None:
        pass


class Clock:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sleeps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def wrap(self, engine: Engine, patience: Patience | None = None) -> PatientEngine:
        patience = patience or Patience(jitter=0)
        return PatientEngine(engine, patience, sleep=self.sleep, clock=lambda: self.now, chance=lambda: 0.5)


async def test_a_busy_server_is_asked_again_and_each_wait_announced() -> None:
    clock, engine = Clock(), Attempts([((), BUSY), ((), BUSY), (ANSWER, None)])
    parts = await parts_of(clock.wrap(engine), ask())
    assert parts == [RetryNotice(1, 1.0, "busy"), RetryNotice(2, 2.0, "busy"), *ANSWER]
    assert clock.sleeps == [1.0, 2.0]
    assert engine.closed == 3


async def test_patience_ends_and_the_error_goes_out() -> None:
    clock, engine = Clock(), Attempts([((), BUSY)])
    with pytest.raises(EngineError) as caught:
        await parts_of(clock.wrap(engine), ask())
    assert caught.value is BUSY
    assert clock.sleeps == [1, 2, 4, 8, 16, *[30] * 8]
    assert sum(clock.sleeps) <= 300


async def test_the_servers_own_delay_is_kept() -> None:
    clock = Clock()
    engine = Attempts([((), EngineError("rate_limited", "busy", retry_after_s=17.0)), (ANSWER, None)])
    await parts_of(clock.wrap(engine), ask())
    assert clock.sleeps == [17.0]


async def test_a_delay_beyond_patience_is_not_waited_for() -> None:
    clock, engine = Clock(), Attempts([((), EngineError("rate_limited", "later", retry_after_s=3600.0))])
    with pytest.raises(EngineError, match="later"):
        await parts_of(clock.wrap(engine), ask())
    assert clock.sleeps == []


async def test_a_server_that_is_not_there_gets_two_more_chances() -> None:
    clock, engine = Clock(), Attempts([((), GONE)])
    with pytest.raises(EngineError):
        await parts_of(clock.wrap(engine), ask())
    assert (engine.made, clock.sleeps) == (3, [0.5, 1.5])


@pytest.mark.parametrize("half", [(TextDelta("half"),), ()])
async def test_a_server_that_broke_off_has_the_whole_patience_to_come_back(half: tuple[StreamPart, ...]) -> None:
    clock, reset = Clock(), EngineError("unreachable", "reset")
    engine = Attempts([(half, reset), *[((), GONE)] * 5, (ANSWER, None)])
    parts = await parts_of(clock.wrap(engine), ask())
    assert tuple(parts[-2:]) == ANSWER
    assert clock.sleeps == [1, 2, 4, 8, 16, 30]


async def test_a_server_that_answered_an_earlier_request_has_the_whole_patience_too() -> None:
    clock = Clock()
    engine = clock.wrap(Attempts([(ANSWER, None), *[((), GONE)] * 4, (ANSWER, None)]))
    await parts_of(engine, ask())
    assert tuple(await parts_of(engine, ask()))[-2:] == ANSWER
    assert clock.sleeps == [1, 2, 4, 8]


@pytest.mark.parametrize("kind", ["auth", "bad_request", "overflow", "filtered", "unusable"])
async def test_what_stays_so_is_not_tried_again(kind: str) -> None:
    clock, engine = Clock(), Attempts([((), EngineError(kind, "no"))])  # type: ignore[arg-type]
    with pytest.raises(EngineError):
        await parts_of(clock.wrap(engine), ask())
    assert engine.made == 1


async def test_an_answer_that_broke_off_is_void_and_asked_for_again() -> None:
    clock, engine = Clock(), Attempts([((TextDelta("half"),), EngineError("unreachable", "reset")), (ANSWER, None)])
    parts = await parts_of(clock.wrap(engine), ask())
    void = Repaired("broken_stream", "the answer broke off in the middle; what came of it is void", restarts=True)
    assert parts == [TextDelta("half"), void, RetryNotice(1, 1.0, "reset"), *ANSWER]
    assert (engine.made, engine.closed) == (2, 2)


async def test_what_came_of_the_last_answer_holds_when_patience_ends() -> None:
    clock, engine = Clock(), Attempts([((TextDelta("half"),), EngineError("unreachable", "reset"))])
    parts: list[StreamPart] = []
    with pytest.raises(EngineError, match="reset"):
        async for part in clock.wrap(engine, Patience(max_wait_s=4, jitter=0)).stream(ask()):
            parts.append(part)  # noqa: PERF401 - what came before the error counts
    assert [part.kind for part in parts] == ["text", "repaired", "retry", "text", "repaired", "retry", "text"]


async def test_no_patience_means_one_attempt() -> None:
    clock, engine = Clock(), Attempts([((), BUSY), (ANSWER, None)])
    with pytest.raises(EngineError):
        await parts_of(clock.wrap(engine, Patience(max_wait_s=0)), ask())
    assert engine.made == 1


async def test_time_spent_in_stalled_attempts_counts() -> None:
    clock = Clock()

    class Stalling(Attempts):
        async def stream(self, request: Request) -> AsyncIterator[StreamPart]:
            clock.now += 300
            async for part in super().stream(request):
                yield part

    engine = Stalling([((), EngineError("unreachable", "silent"))])
    with pytest.raises(EngineError):
        await parts_of(clock.wrap(engine), ask())
    assert engine.made == 2


@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_jitter_stays_within_its_part(chance: float) -> None:
    delay = Patience(jitter=0.25).delay(BUSY, 3, 0.0, chance)
    assert delay is not None
    assert 3.0 <= delay <= 5.0


def test_many_failures_do_not_overflow() -> None:
    assert Patience(max_wait_s=1e9, jitter=0).delay(BUSY, 100_000, 0.0, 0.5) == 30.0


async def test_a_cancelled_wait_ends_at_once() -> None:
    engine = PatientEngine(Attempts([((), EngineError("rate_limited", "busy", retry_after_s=60.0))]))
    asking = asyncio.create_task(parts_of(engine, ask()))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_real_server_that_recovers(open_remote: OpenRemote) -> None:
    script: list[dict[str, Any]] = [
        {"error": {"status": 429, "retry_after": "0"}},
        {"reset": True},
        {"content": "at last"},
    ]
    async with SimulatedEndpoint(script) as server:
        engine = PatientEngine(open_remote(server), Patience(first_delay_s=0.01))
        parts = await parts_of(engine, ask())
        await engine.aclose()
    assert [part.kind for part in parts if part.kind == "retry"] == ["retry", "retry"]
    assert "".join(part.text for part in parts if part.kind == "text") == "at last"


BROKEN: list[dict[str, Any]] = [
    {"content": "half", "reset": True},
    {"content": "half", "cut": True},
    {"content": "half", "finish_reason": "network_error"},
    {"content": "half an answer", "stall_s": 5.0, "stall_at": 3},
    {"content": "half", "error": {"in_stream": True, "code": "1234", "message": "Network error"}},
]


@pytest.mark.parametrize("broken", BROKEN, ids=["reset", "no-finish", "network-error", "stall", "error-event"])
async def test_a_real_answer_that_breaks_off_is_asked_for_again(
    broken: dict[str, Any], open_remote: OpenRemote
) -> None:
    flavor: Flavor = "zai" if "error" in broken else "sglang"
    async with SimulatedEndpoint([broken, {"content": "at last"}], flavor=flavor) as server:
        engine = PatientEngine(open_remote(server, idle_timeout_s=0.3), Patience(first_delay_s=0.01))
        parts = await parts_of(engine, ask())
        await engine.aclose()
    restart = next(at for at, part in enumerate(parts) if isinstance(part, Repaired))
    assert [part.kind for part in parts if part.kind in ("repaired", "retry")] == ["repaired", "retry"]
    assert "".join(part.text for part in parts[:restart] if part.kind == "text").startswith("half")
    assert "".join(part.text for part in parts[restart:] if part.kind == "text") == "at last"


async def test_a_real_refused_connection_fails_within_seconds() -> None:
    engine = PatientEngine(RemoteEngine(resolve_endpoint("http://127.0.0.1:9/v1", "glm-4.6"), api_key=None))
    started = time.monotonic()
    with pytest.raises(EngineError, match="refuses"):
        await parts_of(engine, ask())
    assert time.monotonic() - started < 8
    await engine.aclose()
