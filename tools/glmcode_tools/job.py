"""The `job` tool: what runs in the background, its new output, waiting for it and stopping it."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glmcode_sandbox.base import ExecResult, JobProblem, JobReport
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_tools.base import Arguments, ToolContext, ToolOutput, failed
from glmcode_tools.output import render_output

MAX_WAIT_S = 600.0
FIRST_LOOK_S = 0.5
"""How long a new job may show that it fails."""
_COLUMNS = 100


class JobArguments(Arguments):
    number: int | None = None
    wait_s: Annotated[float, Field(gt=0, le=MAX_WAIT_S)] | None = None
    stop: bool = False


class JobTool:
    """Looks after background jobs; without a number it lists them."""

    name: ClassVar[str] = "job"
    arguments: ClassVar[type[Arguments]] = JobArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "executes"

    async def run(self, arguments: JobArguments, context: ToolContext) -> ToolOutput:
        jobs = await context.sandbox.jobs()
        number = arguments.number
        if number is None:
            if arguments.stop:
                return failed("Which job? Give its `number`.")
            return _list(jobs.listed())
        try:
            if arguments.stop:
                return job_output(await jobs.stop(number))
            return job_output(await jobs.read(number, wait_s=arguments.wait_s or 0))
        except JobProblem as problem:
            return failed(clean_text(str(problem)))

    def paths(self, arguments: JobArguments) -> Sequence[str]:
        return ()

    def title(self, arguments: JobArguments) -> str:
        which = "" if arguments.number is None else f" {arguments.number}"
        return f"job{which}{' stop' if arguments.stop else ''}"


def job_output(job: JobReport) -> ToolOutput:
    """A job as the model reads it: what it wrote since the last look, then how it stands."""
    code = 0 if job.exit_code is None else job.exit_code
    result = ExecResult(code, job.output, job.total_bytes, job.duration_s, head_bytes=job.head_bytes)
    output, clipped = render_output(result)
    note = f"; {clean_text(job.note)}" if job.note else ""
    state = _state(job)
    return ToolOutput(
        text=f"{output.rstrip()}\n[background job {job.number} {state}{note}]".lstrip("\n"),
        summary=f"job {job.number} {state}",
        details={
            "job": job.number,
            "running": job.running,
            "exit_code": job.exit_code,
            "duration_s": round(job.duration_s, 3),
            "bytes": job.total_bytes,
            "clipped": clipped,
        },
    )


def _list(jobs: Sequence[JobReport]) -> ToolOutput:
    lines = [f"{job.number}: {_state(job)}: {one_line(job.command, _COLUMNS)}" for job in jobs]
    running = sum(job.running for job in jobs)
    return ToolOutput(text="\n".join(lines) or "No background jobs.", summary=f"{running} background jobs run")


def _state(job: JobReport) -> str:
    if job.running:
        return f"runs for {job.duration_s:.0f} s"
    return f"ended with exit code {job.exit_code} after {job.duration_s:.1f} s"
