import asyncio

import pytest

from glmcode.places.lazy_sandbox import LazySandbox
from glmcode_sandbox.base import NoSandboxError, Sandbox
from tests.fakes import FakeSandbox, came_back


class SlowSandbox(FakeSandbox):
    """Counts its starts; each takes until `ready`, and fails where `problem` is set."""

    def __init__(self, problem: str = "") -> None:
        super().__init__({"a": "1"}, always=came_back("ok"))
        self.starts = 0
        self.ready = asyncio.Event()
        self._problem = problem

    async def start(self) -> None:
        self.starts += 1
        await self.ready.wait()
        if self._problem:
            raise NoSandboxError(self._problem)
        await super().start()


def lazily(inner: FakeSandbox) -> LazySandbox:
    async def make() -> Sandbox:
        return inner

    return LazySandbox(make, kind=inner.kind, workdir=inner.workdir, description=inner.description)


async def test_it_starts_once_in_the_background_and_the_first_use_waits() -> None:
    inner = SlowSandbox()
    lazy = lazily(inner)
    lazy.begin()
    lazy.begin()
    use = asyncio.create_task(lazy.exec("true"))
    await asyncio.sleep(0.01)
    assert inner.starts == 1 and inner.commands == []
    inner.ready.set()
    assert (await use).output == b"ok"
    assert await lazy.read_file("a", max_bytes=9) == b"1"
    await lazy.close()
    assert (inner.starts, inner.closed) == (1, True)


async def test_a_start_that_fails_is_told_at_every_use_and_closing_stays_quiet() -> None:
    inner = SlowSandbox("no daemon")
    inner.ready.set()
    lazy = lazily(inner)
    lazy.begin()
    for _ in range(2):
        with pytest.raises(NoSandboxError, match="no daemon"):
            await lazy.write_file("a", b"")
    await lazy.close()
    assert inner.closed


async def test_a_sandbox_that_nobody_used_is_never_made() -> None:
    inner = SlowSandbox()
    await lazily(inner).close()
    assert inner.starts == 0


async def test_a_cancelled_use_does_not_cancel_the_start() -> None:
    inner = SlowSandbox()
    lazy = lazily(inner)
    use = asyncio.create_task(lazy.exec("true"))
    await asyncio.sleep(0)
    use.cancel()
    with pytest.raises(asyncio.CancelledError):
        await use
    inner.ready.set()
    await lazy.exec("true")
    assert inner.starts == 1
    await lazy.close()
