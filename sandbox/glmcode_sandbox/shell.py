"""Runs commands one after another through a long-lived `sh` over a byte channel; the same for every sandbox.

Each command is the foreground child of that driver, in a session of its own, between two random markers. What
earlier background processes write outside the markers is dropped; they live on until the sandbox is closed. A command
that becomes a background job takes its driver along, and the next one gets another.
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
from glmcode_sandbox.capture import Capture, Run
from glmcode_sandbox.carrying import Carry
from glmcode_sandbox.growth import Growth
from glmcode_sandbox.jobs import BackgroundJobs, Work
from glmcode_sandbox.lane import Lane
from glmcode_sandbox.place import Place
from glmcode_sandbox.script import command_lines

_KILLED = 128 + signal.SIGKILL
_UNUSABLE = 126


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
        self._file_bytes = limits.file_bytes if limit_files else None
        self._pids = limits.pids if limit_pids else None
        self._spill_dir = spill_dir
        self._lock = asyncio.Lock()
        self._lane: Lane | None = None
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
            for _ in range(2):
                lane = await self._ensure()
                try:
                    run, lines = self._prepared(
                        lane, command, stdin, env or {}, on_output, keep_bytes, "keep" if keeps_state else None
                    )
                except ValueError as error:
                    message = f"not run: {error}".encode()
                    return ExecResult(_UNUSABLE, message, len(message), 0.0)
                result = await self._execute(lane, lines, run, timeout_s, command if may_move else None)
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
        await self._drop_lane()

    def _prepared(
        self,
        lane: Lane,
        command: str,
        stdin: bytes | None,
        env: Mapping[str, str],
        on_output: OutputSink | None,
        keep_bytes: int,
        carry: Carry | None,
    ) -> tuple[Run, bytes]:
        """The run to be, and the lines that start it. Raises ValueError for what no shell can be told."""
        start, end = secrets.token_hex(12), secrets.token_hex(12)
        text = command.encode("utf-8", "surrogateescape")
        lines = command_lines(
            text,
            driver=lane.driver,
            start=start,
            end=end,
            workdir=self._workdir,
            stdin=stdin,
            env=env,
            carry=carry,
        )
        spill = self._spill_dir / f"output-{start}.log" if self._spill_dir else None
        return Run(start, end, Capture(keep_bytes, spill, on_output, max(self._limits.output_bytes, keep_bytes))), lines

    async def _begin_job(self, command: str) -> Work:
        """Start a command on the driver, and leave the driver to it."""
        async with self._lock:
            lane = await self._ensure()
            try:
                run, lines = self._prepared(lane, command, None, {}, None, KEEP_BYTES, "read")
            except ValueError as error:
                raise JobProblem(f"not run: {error}") from error
            self._lane, lane.run = None, run
            work = Work(lane, self._growth.meter())
            await lane.send(lines)
            return work

    async def _execute(self, lane: Lane, lines: bytes, run: Run, timeout_s: float, movable: str | None) -> ExecResult:
        """Run what was prepared; `movable` is the command where it may become a job."""
        note, self._lost = self._lost, None
        capture, lane.run = run.capture, run
        work, job = Work(lane, self._growth.meter()), None
        try:
            try:
                timed_out = await self._ran_out(work, run, lines, timeout_s)
                if timed_out and movable is not None:
                    job = await self._moved(movable, work, run)
            except asyncio.CancelledError:
                await self._recover(run, True)
                raise
            if job is None and (run.exit_code is None or capture.starved()):
                happened = await self._recover(run, timed_out or capture.error is not None)
                note = "; ".join(filter(None, (note, happened))) or None
        finally:
            if job is None:
                output, head_bytes, spill = capture.finish()
            else:
                (output, head_bytes), spill = capture.take(), capture.spilled
        if capture.error is not None:
            raise capture.error
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

    async def _ran_out(self, work: Work, run: Run, lines: bytes, timeout_s: float) -> bool:
        """Whether the command's time was over before it was."""
        try:
            async with asyncio.timeout(timeout_s):
                await work.lane.send(lines)
                await work.lane.wait(run, work.meter)
        except TimeoutError:
            return True
        return False

    async def _moved(self, command: str, work: Work, run: Run) -> int | None:
        """The number of the job that the command became, if it serves something by now."""
        if not run.started or not self.jobs.has_room or not await work.lane.serves(run) or run.ended():
            return None
        self._lane = None
        return self.jobs.adopt(command, work)

    async def _recover(self, run: Run, ended_by_us: bool) -> str | None:
        """End a run that did not end by itself, in a task of its own so that cancelling cannot leave it half done."""
        self._recovering = asyncio.create_task(self._end(run, ended_by_us))
        try:
            return await asyncio.shield(self._recovering)
        finally:
            if self._recovering.done():
                self._recovering = None

    async def _end(self, run: Run, ended_by_us: bool) -> str | None:
        flooded = f"killed: it wrote more than {self._limits.output_bytes} bytes" if run.capture.flooded else None
        reason = run.verdict or flooded
        if run.ended():
            reason = "no more processes could be started"
        elif reason or ended_by_us:
            if self._lane is not None and await self._lane.kill(run, gently=reason is None):
                return reason
            reason = reason or "it could not be killed alone"
        else:
            reason = "the command ended the shell that runs the commands, or no process could be started any more"
        return await self._begin_anew(reason)

    async def _begin_anew(self, reason: str) -> str:
        await self._drop_lane()
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
        if self._lane is not None and self._lane.usable:
            return self._lane
        await self._drop_lane()
        try:
            self._lane = await self._open_lane()
        except SandboxError:
            # The place itself may be broken: once more from the beginning.
            self._lost = await self._place.clear()
            self._lane = await self._open_lane()
        return self._lane

    async def _open_lane(self) -> Lane:
        return await Lane.open(self._place, file_bytes=self._file_bytes, pids=self._pids)

    async def _drop_lane(self) -> None:
        lane, self._lane = self._lane, None
        if lane is not None:
            await lane.close()
