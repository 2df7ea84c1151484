"""Runs commands one after another through one long-lived `sh` over a byte channel; the same for every sandbox.

Each command is the foreground child of that driver, in a session of its own, between two random markers. What
earlier background processes write outside the markers is dropped; they live on until the sandbox is closed.
"""

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from glmcode_sandbox.base import (
    DEFAULT_TIMEOUT_S,
    KEEP_BYTES,
    TIMEOUT_EXIT_CODE,
    ExecResult,
    Limits,
    OutputSink,
    SandboxError,
)
from glmcode_sandbox.capture import Capture, Run
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.place import Channel, Place
from glmcode_sandbox.script import Driver, command_lines, first_lines, parse_driver

GRACE_S = 2.0
"""Between SIGTERM and SIGKILL."""
OPEN_TIMEOUT_S = 30.0
ALIVE_POLL_S = 0.5
_KILLED = 128 + signal.SIGKILL
_UNUSABLE = 126


class Shell:
    """The driver and its one command at a time."""

    def __init__(
        self,
        place: Place,
        workdir: str,
        *,
        limits: Limits,
        limit_files: bool = False,
        limit_pids: bool = False,
        spill_dir: Path | None = None,
    ) -> None:
        """`limit_files` and `limit_pids`: the shell has to set these limits, since nothing around it does."""
        self._place = place
        self._workdir = workdir
        self._limits = limits
        self._file_bytes = limits.file_bytes if limit_files else None
        self._pids = limits.pids if limit_pids else None
        self._spill_dir = spill_dir
        self._lock = asyncio.Lock()
        self._channel: Channel | None = None
        self._driver: Driver | None = None
        self._pump: asyncio.Task[None] | None = None
        self._run: Run | None = None
        self._lost: str | None = None
        self._recovering: asyncio.Task[str | None] | None = None

    async def open(self) -> None:
        """Start the driver unless it runs. Raises SandboxError."""
        async with self._lock:
            await self._ensure()

    async def exec(
        self,
        command: str,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        on_output: OutputSink | None = None,
        keep_bytes: int = KEEP_BYTES,
    ) -> ExecResult:
        """See `Sandbox.exec`."""
        async with self._lock:
            for _ in range(2):
                driver = await self._ensure()
                start, end = secrets.token_hex(12), secrets.token_hex(12)
                try:
                    text = command.encode("utf-8", "surrogateescape")
                    lines = command_lines(
                        text, driver=driver, start=start, end=end, workdir=self._workdir, stdin=stdin, env=env or {}
                    )
                except ValueError as error:
                    message = f"not run: {error}".encode()
                    return ExecResult(_UNUSABLE, message, len(message), 0.0)
                spill = self._spill_dir / f"output-{start}.log" if self._spill_dir else None
                capture = Capture(keep_bytes, spill, on_output, max(self._limits.output_bytes, keep_bytes))
                run = Run(start, end, capture)
                result = await self._execute(lines, run, capture, timeout_s)
                if run.started or result.timed_out:
                    break
                # The shell was gone before it came to this command, so nothing of it has happened yet.
            return result

    async def reset(self) -> None:
        """End all that runs there and begin anew; the next result says so. Raises SandboxError."""
        async with self._lock:
            await self._settle()
            self._lost = await self._begin_anew("no command could be run any more")

    async def close(self) -> None:
        """Let go of the driver. What still runs is for the place to end. Never raises."""
        await self._settle()
        await self._drop_driver()

    async def _execute(self, lines: bytes, run: Run, capture: Capture, timeout_s: float) -> ExecResult:
        started = time.monotonic()
        timed_out, note = False, self._lost
        self._run = run
        self._lost = None
        try:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._send(lines)
                    await self._wait(run)
            except TimeoutError:
                timed_out = True
            except asyncio.CancelledError:
                await self._recover(run, False, True)
                raise
            if run.exit_code is None or capture.starved():
                happened = await self._recover(run, capture.flooded, timed_out or capture.error is not None)
                note = "; ".join(filter(None, (note, happened))) or None
        finally:
            output, head_bytes, spill = capture.finish()
        if capture.error is not None:
            raise capture.error
        code = TIMEOUT_EXIT_CODE if timed_out else run.exit_code
        return ExecResult(
            exit_code=_KILLED if code is None else code,
            output=output,
            total_bytes=capture.total_bytes,
            duration_s=time.monotonic() - started,
            timed_out=timed_out,
            head_bytes=head_bytes,
            spill=spill,
            note=note,
        )

    async def _send(self, lines: bytes) -> None:
        assert self._channel is not None
        # A driver that is gone is noticed by `_wait`.
        with contextlib.suppress(OSError):
            await self._channel.write(lines)

    async def _wait(self, run: Run) -> None:
        """Until the run stopped or the driver is gone."""
        while not run.stopped.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ALIVE_POLL_S):
                    await run.stopped.wait()
            if not run.stopped.is_set() and (self._channel is None or not await self._channel.alive()):
                # What it wrote last may still be on its way.
                await self._until(run.stopped.is_set, 0.1)
                return

    async def _recover(self, run: Run, flooded: bool, ended_by_us: bool) -> str | None:
        """End a run that did not end by itself, in a task of its own so that cancelling cannot leave it half done."""
        self._recovering = asyncio.create_task(self._end(run, flooded, ended_by_us))
        try:
            return await asyncio.shield(self._recovering)
        finally:
            if self._recovering.done():
                self._recovering = None

    async def _end(self, run: Run, flooded: bool, ended_by_us: bool) -> str | None:
        reason = f"killed: it wrote more than {self._limits.output_bytes} bytes" if flooded else None
        if run.ended():
            reason = "no more processes could be started"
        elif flooded or ended_by_us:
            if await self._kill_command(run, gently=not flooded):
                return reason
            reason = reason or "it could not be killed alone"
        else:
            reason = "the command ended the shell that runs the commands, or no process could be started any more"
        return await self._begin_anew(reason)

    async def _begin_anew(self, reason: str) -> str:
        await self._drop_driver()
        lost = await self._place.clear()
        return f"{reason}; the shell was started anew and all earlier processes ended" + (f"; {lost}" if lost else "")

    async def _kill_command(self, run: Run, *, gently: bool) -> bool:
        """Whether the driver is ready for the next command."""
        if self._driver is None or self._channel is None or not await self._channel.alive():
            return False
        known: frozenset[int] = frozenset()
        try:
            if gently:
                known = await self._place.signal(self._driver.pid, signal.SIGTERM, known, run.began_s)
                deadline = time.monotonic() + GRACE_S
                await self._until(run.ended, GRACE_S)
                while known and time.monotonic() < deadline:
                    await asyncio.sleep(0.02)
                    known = await self._place.signal(self._driver.pid, 0, known, run.began_s)
            if known or not run.ended():
                await self._place.signal(self._driver.pid, signal.SIGKILL, known, run.began_s)
        except SandboxError:
            return False
        return await self._until(run.ended, GRACE_S)

    async def _until(self, reached: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        # Polled: two kinds of ends are waited for, and 5 ms do not matter where a command is being killed.
        while not reached() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return reached()

    async def _settle(self) -> None:
        """Wait for what a cancelled call left to do."""
        if self._recovering is not None:
            with contextlib.suppress(SandboxError):
                await asyncio.shield(self._recovering)
            self._recovering = None

    async def _ensure(self) -> Driver:
        await self._settle()
        if self._driver is not None and self._pump is not None and not self._pump.done():
            return self._driver
        await self._drop_driver()
        try:
            return await self._start_driver()
        except SandboxError:
            # The place itself may be broken: once more from the beginning.
            self._lost = await self._place.clear()
            return await self._start_driver()

    async def _start_driver(self) -> Driver:
        token = secrets.token_hex(12)
        channel = await self._place.open()
        self._channel = channel
        output = b""
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await channel.write(first_lines(token, file_bytes=self._file_bytes, pids=self._pids))
                while (driver := parse_driver(token, output)) is None:
                    piece = await channel.read()
                    if not piece:
                        raise SandboxError(f"the sandbox's shell ended at its start: {_words(output)}")
                    output += piece
        except (TimeoutError, OSError) as error:
            raise SandboxError(
                f"the sandbox's shell does not answer: {_words(output) or type(error).__name__}"
            ) from error
        if not driver.leader:
            raise SandboxError("the sandbox has no `setsid`: add util-linux, busybox, perl or python3 to its image")
        self._driver = driver
        self._pump = asyncio.create_task(self._pump_output(channel))
        return driver

    async def _pump_output(self, channel: Channel) -> None:
        with contextlib.suppress(OSError):
            while data := await channel.read():
                if self._run is not None:
                    self._run.feed(data)
        if self._run is not None:
            self._run.stopped.set()

    async def _drop_driver(self) -> None:
        channel, pump = self._channel, self._pump
        self._channel = self._driver = self._pump = None
        if channel is not None:
            await channel.close()
        if pump is not None:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump


def _words(output: bytes) -> str:
    return one_line(output, 200)
