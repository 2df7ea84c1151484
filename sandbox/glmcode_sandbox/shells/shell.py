"""Runs commands one after another through a long-lived `sh` over a byte channel; the same for every sandbox.

Each command is the foreground child of that driver, in a session of its own, between two random markers. What
earlier background processes write outside the markers is dropped; they live on until the sandbox is closed. A command
that becomes a background job takes its driver along, and the next one gets another. Which drivers there are is the
matter of `lanes.py`.
"""

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from glmcode_sandbox.base import (
    DEFAULT_TIMEOUT_S,
    KEEP_BYTES,
    TIMEOUT_EXIT_CODE,
    ExecResult,
    JobProblem,
    Limits,
    OutputSink,
    SandboxError,
)
from glmcode_sandbox.shells.capture import Capture, Run
from glmcode_sandbox.shells.carrying import Carry
from glmcode_sandbox.shells.growth import Growth
from glmcode_sandbox.shells.jobs import BackgroundJobs, Work
from glmcode_sandbox.shells.lane import OPEN_TIMEOUT_S, Lane
from glmcode_sandbox.shells.lanes import Lanes
from glmcode_sandbox.shells.place import Place
from glmcode_sandbox.shells.script import Order

_KILLED = 128 + signal.SIGKILL
_UNUSABLE = 126
_ATTEMPTS = 3
_STUCK_S = 4.0
"""A command that has not begun after this time never will."""


class Shell:
    """The driver with its one command at a time, and the jobs beside it."""

    def __init__(
        self,
        place: Place,
        workdir: str,
        *,
        limits: Limits,
        growth: Growth,
        limit_files: bool = False,
        limit_pids: bool = False,
        spill_dir: Path | None = None,
    ) -> None:
        """`limit_files` and `limit_pids`: the shell has to set these limits, since nothing around it does."""
        self._place = place
        self._workdir = workdir
        self._limits = limits
        self._growth = growth
        self._lanes = Lanes(
            place,
            file_bytes=limits.file_bytes if limit_files else None,
            pids=limits.pids if limit_pids else None,
        )
        self._spill_dir = spill_dir
        self._lock = asyncio.Lock()
        self._lost: str | None = None
        self._recovering: asyncio.Task[str | None] | None = None
        self.jobs = BackgroundJobs(self._begin_job, limits.jobs)

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
        keeps_state: bool = False,
        may_move: bool = False,
    ) -> ExecResult:
        """See `Sandbox.exec`."""
        async with self._lock:
            order = self._order(command, "keep" if keeps_state else None, stdin, env or {})
            try:
                order.check()
            except ValueError as error:
                message = f"not run: {error}".encode()
                return ExecResult(_UNUSABLE, message, len(message), 0.0)
            for _ in range(_ATTEMPTS):
                lane = await self._ensure()
                watched = keeps_state or on_output is not None
                run = lane.run_of(order, self._capture(keep_bytes, on_output, keeps_raw=watched))
                result = await self._execute(lane, order, run, timeout_s, command if may_move else None)
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
        """Let go of the drivers. What still runs is for the place to end. Never raises."""
        await self._settle()
        await self.jobs.close()
        await self._lanes.close()

    def _order(
        self, command: str, carry: Carry | None, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Order:
        return Order(command.encode("utf-8", "surrogateescape"), self._workdir, stdin, env or {}, carry)

    def _capture(self, keep_bytes: int, sink: OutputSink | None, *, keeps_raw: bool = False) -> Capture:
        spill = self._spill_dir / f"output-{secrets.token_hex(12)}.log" if self._spill_dir else None
        limit = max(self._limits.output_bytes, keep_bytes)
        return Capture(keep_bytes, spill, sink, limit, keeps_raw=keeps_raw)

    async def _begin_job(self, command: str) -> Work:
        """Start a command on the driver, and leave the driver to it."""
        order = self._order(command, "read")
        try:
            order.check()
        except ValueError as error:
            raise JobProblem(f"not run: {error}") from error
        async with self._lock:
            lane = await self._ensure()
            run = lane.run_of(order, self._capture(KEEP_BYTES, None))
            self._lanes.give_up(lane)
            work = Work(lane, self._growth.meter())
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S):
                    await lane.begin(order, run)
            except TimeoutError as error:
                await lane.close()
                raise SandboxError("the sandbox's shell does not answer") from error
            return work

    async def _execute(self, lane: Lane, order: Order, run: Run, timeout_s: float, movable: str | None) -> ExecResult:
        """Run it on this lane; `movable` is the command where it may become a job."""
        note, self._lost = self._lost, None
        capture = run.capture
        work, job = Work(lane, self._growth.meter()), None
        try:
            try:
                timed_out = await self._ran_out(work, order, run, timeout_s)
                if timed_out and movable is not None:
                    job = await self._moved(movable, work, run)
            except asyncio.CancelledError:
                await self._recover(lane, run, True)
                raise
            if run.missed and not timed_out:
                note, self._lost = None, note
            elif job is None and (run.exit_code is None or capture.starved()):
                happened = await self._recover(lane, run, timed_out or capture.error is not None)
                note = "; ".join(filter(None, (note, happened))) or None
        finally:
            if job is None:
                output, head_bytes, spill = capture.finish()
            else:
                (output, head_bytes), spill = capture.take(), capture.spilled
        if capture.error is not None:
            raise capture.error
        if self._lanes.holds(lane) and run.ended():
            lane.prepare_soon()
        code = TIMEOUT_EXIT_CODE if timed_out else run.exit_code
        return ExecResult(
            exit_code=_KILLED if code is None else code,
            output=output,
            total_bytes=capture.total_bytes,
            duration_s=time.monotonic() - run.began_s,
            timed_out=timed_out and job is None,
            head_bytes=head_bytes,
            spill=spill,
            note=note,
            job=job,
        )

    async def _ran_out(self, work: Work, order: Order, run: Run, timeout_s: float) -> bool:
        """Whether the command's time was over before it was."""
        try:
            async with asyncio.timeout(timeout_s):
                await work.lane.begin(order, run)
                await work.lane.wait(run, work.meter)
        except TimeoutError:
            return True
        return False

    async def _moved(self, command: str, work: Work, run: Run) -> int | None:
        """The number of the job that the command became, if it serves something by now."""
        if not run.started or not self.jobs.has_room or not await work.lane.serves(run) or run.ended():
            return None
        self._lanes.give_up(work.lane)
        return self.jobs.adopt(command, work)

    async def _recover(self, lane: Lane, run: Run, ended_by_us: bool) -> str | None:
        """End a run that did not end by itself, in a task of its own so that cancelling cannot leave it half done."""
        self._recovering = asyncio.create_task(self._end(lane, run, ended_by_us))
        try:
            return await asyncio.shield(self._recovering)
        finally:
            if self._recovering.done():
                self._recovering = None

    async def _end(self, lane: Lane, run: Run, ended_by_us: bool) -> str | None:
        flooded = f"killed: it wrote more than {self._limits.output_bytes} bytes" if run.capture.flooded else None
        reason = run.verdict or flooded
        if run.exit_code is not None:
            reason = "no more processes could be started"
        elif reason or ended_by_us:
            # Where nothing begins any more, somebody reads what is meant for the driver.
            stuck = not run.started and time.monotonic() - run.began_s > _STUCK_S
            if not stuck and await lane.kill(run, gently=reason is None):
                return reason
            reason = reason or "it could not be killed alone"
        else:
            reason = "the command ended the shell that runs the commands, or no process could be started any more"
        return await self._begin_anew(reason)

    async def _begin_anew(self, reason: str) -> str:
        await self._lanes.close()
        lost = await self._place.clear()
        return f"{reason}; the shell was started anew and all earlier processes ended" + (f"; {lost}" if lost else "")

    async def _settle(self) -> None:
        """Wait for what a cancelled call left to do."""
        if self._recovering is not None:
            with contextlib.suppress(SandboxError):
                await asyncio.shield(self._recovering)
            self._recovering = None

    async def _ensure(self) -> Lane:
        await self._settle()
        try:
            return await self._lanes.take()
        except SandboxError:
            # The place itself may be broken: once more from the beginning.
            await self._lanes.close()
            self._lost = await self._place.clear()
            return await self._lanes.take()
