"""Background jobs: commands that keep a driver of their own until they end, are stopped, or the sandbox closes."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from glmcode_sandbox.base import JobProblem, JobReport
from glmcode_sandbox.shells.growth import Meter
from glmcode_sandbox.shells.lane import Lane

POLL_S = 1.0
"""How often a job's growth is looked at, and whether its driver lives."""
KEPT_AFTER_END = 16
"""So many that ended are remembered."""
_ENDING_S = 10.0


@dataclass(frozen=True, slots=True)
class Work:
    """A command that runs on a lane of its own; the lane's `run` is it."""

    lane: Lane
    meter: Meter


@dataclass(slots=True)
class _Job:
    number: int
    command: str
    work: Work
    began_s: float
    ended_s: float | None = None
    note: str | None = None
    seen_bytes: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    following: asyncio.Task[None] | None = None


class BackgroundJobs:
    """See `base.Jobs`. `begin` starts a command on a lane that nobody else uses."""

    def __init__(self, begin: Callable[[str], Awaitable[Work]], limit: int) -> None:
        self._begin = begin
        self._limit = limit
        self._jobs: dict[int, _Job] = {}
        self._next = 1

    @property
    def has_room(self) -> bool:
        """Whether one more may run."""
        return sum(not job.over.is_set() for job in self._jobs.values()) < self._limit

    async def start(self, command: str) -> JobReport:
        """See `Jobs.start`."""
        self._check_room()
        work = await self._begin(command)
        # Others may have come first while this one began.
        if not self.has_room:
            await self._give_up(work)
            self._check_room()
        return self._report(self._jobs[self.adopt(command, work)])

    def adopt(self, command: str, work: Work) -> int:
        """Take over a command that runs already; returns its number."""
        assert work.lane.run is not None
        work.lane.run.capture.mute()
        job = _Job(self._next, command, work, work.lane.run.began_s)
        job.seen_bytes = work.lane.run.capture.total_bytes
        self._next += 1
        self._jobs[job.number] = job
        job.following = asyncio.create_task(self._follow(job))
        for number in [n for n, other in self._jobs.items() if other.over.is_set()][:-KEPT_AFTER_END]:
            del self._jobs[number]
        return job.number

    async def read(self, number: int, *, wait_s: float = 0.0) -> JobReport:
        """See `Jobs.read`."""
        job = self._find(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await job.over.wait()
        return self._look(job)

    async def stop(self, number: int) -> JobReport:
        """See `Jobs.stop`."""
        job = self._find(number)
        run = job.work.lane.run
        assert run is not None
        if not job.over.is_set():
            if not await job.work.lane.kill(run, gently=True) and not run.ended():
                run.stop("it could not be ended; what is left of it ends with the sandbox")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ENDING_S):
                    await job.over.wait()
        return self._look(job)

    def listed(self) -> Sequence[JobReport]:
        """See `Jobs.listed`."""
        return [self._report(job) for job in self._jobs.values()]

    async def close(self) -> None:
        """Let go of all; the place ends what runs. Never raises."""
        for job in self._jobs.values():
            if job.following is not None and not job.over.is_set():
                job.following.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await job.following

    def _check_room(self) -> None:
        if not self.has_room:
            numbers = ", ".join(str(n) for n, job in self._jobs.items() if not job.over.is_set())
            raise JobProblem(f"{self._limit} background jobs run already ({numbers}): stop one first")

    def _find(self, number: int) -> _Job:
        if number not in self._jobs:
            known = ", ".join(map(str, self._jobs)) or "none"
            raise JobProblem(f"there is no background job {number}; there are: {known}")
        return self._jobs[number]

    async def _give_up(self, work: Work) -> None:
        assert work.lane.run is not None
        await work.lane.kill(work.lane.run, gently=False)
        await work.lane.close()

    async def _follow(self, job: _Job) -> None:
        """Until it is over, however it ends."""
        lane, run = job.work.lane, job.work.lane.run
        assert run is not None
        try:
            await lane.wait(run, job.work.meter, POLL_S)
            if not run.ended():
                flooded = "killed: it wrote too much" if run.capture.flooded else None
                job.note = run.verdict or flooded or "its shell was ended, and all that ran in it"
                await lane.kill(run, gently=False)
        finally:
            run.capture.finish()
            job.ended_s = time.monotonic()
            job.over.set()
            await lane.close()

    def _look(self, job: _Job) -> JobReport:
        assert job.work.lane.run is not None
        capture = job.work.lane.run.capture
        output, gap = capture.take()
        report = self._report(job, output, gap, capture.total_bytes - job.seen_bytes)
        job.seen_bytes = capture.total_bytes
        return report

    def _report(self, job: _Job, output: bytes = b"", gap: int | None = None, total_bytes: int = 0) -> JobReport:
        run = job.work.lane.run
        assert run is not None
        code = run.exit_code
        if job.over.is_set() and code is None:
            code = 128 + signal.SIGKILL
        return JobReport(
            number=job.number,
            command=job.command,
            running=not job.over.is_set(),
            duration_s=(job.ended_s or time.monotonic()) - job.began_s,
            exit_code=code if job.over.is_set() else None,
            output=output,
            total_bytes=total_bytes,
            head_bytes=gap,
            spill=run.capture.spilled,
            note=job.note,
        )
