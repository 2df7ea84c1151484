"""A provider that is overloaded for three minutes, by a clock that passes only while we wait."""

from collections.abc import Callable

import pytest

from glmcode_engine.base import EngineError, RetryNotice, TextDelta
from glmcode_engine.patience import Patience, PatientEngine
from tests.engine.answers import ask, parts_of
from tests.engine.conftest import OpenRemote
from tests.simulated import Entry, Fault, SimulatedEndpoint

OVERLOAD_S = 180.0
BUSY = Entry(error=Fault(status=429, code="1305", message="The service may be temporarily overloaded"))


class Minutes:
    """Time that passes only in `sleep`."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def script(self, busy: Entry) -> Callable[[object, int], Entry]:
        return lambda body, number: busy if self.now < OVERLOAD_S else Entry(content="at last")


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.99])
async def test_default_patience_outlasts_the_overload_and_ends_with_an_answer(
    chance: float, open_remote: OpenRemote
) -> None:
    time = Minutes()
    async with SimulatedEndpoint(time.script(BUSY), flavor="zai") as server:
        patience = Patience()
        remote = open_remote(server, dialect="zai")
        engine = PatientEngine(remote, patience, sleep=time.sleep, clock=lambda: time.now, chance=lambda: chance)
        parts = await parts_of(engine, ask())
        await engine.aclose()
        asked = len(server.requests)
    notices = [part for part in parts if isinstance(part, RetryNotice)]
    assert any(isinstance(part, TextDelta) for part in parts)
    assert OVERLOAD_S <= time.now <= OVERLOAD_S + patience.max_delay_s * (1 + patience.jitter)
    assert asked == len(notices) + 1 <= 15
    assert all("overloaded" in notice.reason for notice in notices)


async def test_shorter_patience_ends_with_an_error_that_says_to_come_back(open_remote: OpenRemote) -> None:
    time = Minutes()
    patience = Patience(max_wait_s=120)
    async with SimulatedEndpoint(time.script(BUSY), flavor="zai") as server:
        engine = PatientEngine(open_remote(server, dialect="zai"), patience, sleep=time.sleep, clock=lambda: time.now)
        with pytest.raises(EngineError) as caught:
            await parts_of(engine, ask())
        await engine.aclose()
    assert caught.value.kind == "rate_limited"
    assert "try again" in str(caught.value)
    assert 60 < time.now <= patience.max_wait_s


async def test_what_the_server_asks_to_wait_is_waited(open_remote: OpenRemote) -> None:
    time = Minutes()
    busy = Entry(error=Fault(status=429, code="1305", message="overloaded", retry_after="45"))
    async with SimulatedEndpoint(time.script(busy), flavor="zai") as server:
        engine = PatientEngine(
            open_remote(server, dialect="zai"), Patience(max_wait_s=300), sleep=time.sleep, clock=lambda: time.now
        )
        parts = await parts_of(engine, ask())
        await engine.aclose()
        assert len(server.requests) == 5
    assert [part.delay_s for part in parts if isinstance(part, RetryNotice)] == [45.0] * 4
