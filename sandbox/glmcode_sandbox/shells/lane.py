"""One driver: the `sh` that runs commands one after another, its byte channel, and the command it runs now."""

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import Callable

from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.shells.capture import Capture, Run
from glmcode_sandbox.shells.growth import Meter
from glmcode_sandbox.shells.place import Channel, Place
from glmcode_sandbox.shells.script import Driver, Order, command_lines, first_lines, parse_driver
from glmcode_sandbox.shells.spare import Spare, dismissal, fits, handed

GRACE_S = 2.0
"""Between SIGTERM and SIGKILL."""
OPEN_TIMEOUT_S = 30.0
ALIVE_POLL_S = 0.5
_FLOOD_BYTES = 4096
_SPARES = 3
"""So many waiting shells are tried for one command: others may end them."""


class Lane:
    """A driver that answered, with one command at a time."""

    def __init__(self, place: Place, channel: Channel, driver: Driver) -> None:
        self.driver = driver
        self.run: Run | None = None
        """The command that gets what comes over the channel."""
        self._place = place
        self._channel = channel
        self._spare: Spare | None = None
        self._has_spares = driver.shell == "bash"
        self._names: str | None = None
        self._end = secrets.token_hex(12)
        self._since_s = time.monotonic()
        self._preparing: asyncio.Task[None] | None = None
        self._pump = asyncio.create_task(self._pump_output())

    @classmethod
    async def open(cls, place: Place, *, file_bytes: int | None, pids: int | None) -> "Lane":
        """Start a driver. The limits are those of `first_lines`. Raises SandboxError."""
        channel = await place.open()
        try:
            driver = await _greeted(channel, file_bytes, pids)
            if not driver.leader:
                raise SandboxError("the sandbox has no `setsid`: add util-linux, busybox, perl or python3 to its image")
        except BaseException:
            await channel.close()
            raise
        lane = cls(place, channel, driver)
        await lane.prepare()
        return lane

    @property
    def usable(self) -> bool:
        """Whether the channel is still open."""
        return not self._pump.done()

    @property
    def ready(self) -> bool:
        """Whether the next command would begin at once."""
        return self.usable and (not self._has_spares or (self._spare is not None and self._spare.ready))

    async def prepare(self) -> None:
        """Have a shell wait for the next command, unless one does."""
        if self._has_spares and self._spare is None and self.usable:
            self._spare = Spare(self._end, self._names)
            await self._send(self._spare.lines(self.driver.leader))

    def prepare_soon(self) -> None:
        """The same, once the caller has nothing to do."""
        self._preparing = asyncio.create_task(self.prepare())

    def run_of(self, order: Order, capture: Capture) -> Run:
        """What the command will be once it has begun here."""
        return Run(secrets.token_hex(12), self._end if self._waits_for(order) else secrets.token_hex(12), capture)

    async def begin(self, order: Order, run: Run) -> None:
        """Start the command, which nothing else has used this lane for since `run_of`.

        The run is `missed` when the shell that waited for it is gone. A driver that is gone is noticed by `wait`.
        """
        if self._preparing is not None:
            await asyncio.wait([self._preparing])
        lines, waits = b"", self._waits_for(order)
        for _ in range(_SPARES):
            if waits:
                await self.prepare()
            if self._spare is None or await self._settled(self._spare):
                break
        spare, self._spare = self._spare, None
        self._since_s = time.monotonic()
        if not waits:
            lines = dismissal() if spare is not None else b""
            lines += command_lines(order, driver=self.driver, start=run.start, end=run.end)
        elif spare is not None:
            self._since_s, self._names = spare.made_s, spare.names
            lines = handed(order, self.driver, spare.names, run.start)
        else:
            run.miss()
        self._end, self.run = secrets.token_hex(12), run
        await self._send(lines)

    async def _settled(self, spare: Spare) -> bool:
        """Whether it got ready; else it is forgotten."""
        await spare.settled.wait()
        if not spare.ready:
            self._spare = None
            self._has_spares = not spare.too_old
        return spare.ready

    def _waits_for(self, order: Order) -> bool:
        return self._has_spares and fits(order)

    async def _send(self, lines: bytes) -> None:
        with contextlib.suppress(OSError):
            await self._channel.write(lines)

    async def wait(self, run: Run, meter: Meter | None, poll_s: float = ALIVE_POLL_S) -> None:
        """Until the run stopped or the driver is gone."""
        while not run.stopped.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(poll_s):
                    await run.stopped.wait()
            if run.stopped.is_set():
                return
            if meter is not None and (verdict := await meter.exceeded()):
                run.stop(verdict)
            elif not await self._channel.alive():
                # What it wrote last may still be on its way.
                await _until(run.stopped.is_set, 0.1)
                return

    async def serves(self, run: Run) -> bool:
        """Whether the command listens on a TCP port; False also where nobody can tell."""
        try:
            pids = await self._place.signal(self.driver.pid, 0, (), self._since_s)
            return bool(pids) and await self._place.listening(pids)
        except SandboxError:
            return False

    async def kill(self, run: Run, *, gently: bool) -> bool:
        """End the command and all below it; whether the driver is ready for the next one."""
        if not await self._channel.alive():
            return False
        known: frozenset[int] = frozenset()
        pid = self.driver.pid
        try:
            if self._spare is not None:
                # Nothing of the command has begun; only whether anything answers there is in doubt.
                return await _until(self._spare.settled.is_set, GRACE_S)
            if gently:
                known = await self._place.signal(pid, signal.SIGTERM, known, self._since_s)
                deadline = time.monotonic() + GRACE_S
                await _until(run.ended, GRACE_S)
                while known and time.monotonic() < deadline:
                    await asyncio.sleep(0.02)
                    known = await self._place.signal(pid, 0, known, self._since_s)
            if known or not run.ended():
                await self._place.signal(pid, signal.SIGKILL, known, self._since_s)
        except SandboxError:
            return False
        return await _until(run.ended, GRACE_S)

    async def close(self) -> None:
        """Let go of the driver. What still runs is for the place to end. Never raises."""
        await self._channel.close()
        for task in filter(None, (self._preparing, self._pump)):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _pump_output(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._channel.read():
                if self._spare is not None:
                    self._spare.feed(data)
                elif self.run is not None:
                    self.run.feed(data)
                if len(data) > _FLOOD_BYTES:
                    # Who reads what is there already waits for nobody, and nobody else would get a turn.
                    await asyncio.sleep(0)
        if self._spare is not None:
            self._spare.lose()
        if self.run is not None:
            self.run.stopped.set()


async def _greeted(channel: Channel, file_bytes: int | None, pids: int | None) -> Driver:
    token = secrets.token_hex(12)
    output = b""
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            await channel.write(first_lines(token, file_bytes=file_bytes, pids=pids))
            while (driver := parse_driver(token, output)) is None:
                piece = await channel.read()
                if not piece:
                    raise SandboxError(f"the sandbox's shell ended at its start: {one_line(output, 200)}")
                output += piece
    except (TimeoutError, OSError) as error:
        words = one_line(output, 200) or type(error).__name__
        raise SandboxError(f"the sandbox's shell does not answer: {words}") from error
    return driver


async def _until(reached: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    # Polled: two kinds of ends are waited for, and 5 ms do not matter where a command is being killed.
    while not reached() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    return reached()
