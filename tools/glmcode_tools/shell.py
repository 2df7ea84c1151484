"""The `shell` tool: one command line in the sandbox, waited for or in the background."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glmcode_sandbox.base import ExecResult, JobProblem
from glmcode_sandbox.clean import clean_text
from glmcode_tools.base import Arguments, Text, ToolContext, ToolOutput, failed
from glmcode_tools.job import FIRST_LOOK_S, job_output
from glmcode_tools.live import LiveOutput
from glmcode_tools.output import render_output

MAX_TIMEOUT_S = 600.0


class ShellArguments(Arguments):
    command: Text
    timeout_s: Annotated[float, Field(gt=0, le=MAX_TIMEOUT_S)] | None = None
    background: bool = False


class ShellTool:
    """Runs a command; a command that fails is a result like any other."""

    name: ClassVar[str] = "shell"
    arguments: ClassVar[type[Arguments]] = ShellArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "executes"

    async def run(self, arguments: ShellArguments, context: ToolContext) -> ToolOutput:
        if not arguments.command.strip():
            return failed("`command` is blank.")
        if arguments.background:
            return await _begin(arguments.command, context)
        timeout_s = arguments.timeout_s or context.command_timeout_s
        live = LiveOutput(context)
        result = await context.sandbox.exec(
            arguments.command, timeout_s=timeout_s, on_output=live.sink, keeps_state=True, may_move=True
        )
        live.finish()
        output, clipped = render_output(result)
        return ToolOutput(
            text=f"{output.rstrip()}\n{_footer(result, timeout_s)}".lstrip("\n"),
            summary=_summary(result, timeout_s),
            is_error=result.timed_out,
            details={
                "exit_code": result.exit_code if result.job is None else None,
                "duration_s": round(result.duration_s, 3),
                "timed_out": result.timed_out,
                "bytes": result.total_bytes,
                "clipped": clipped,
                **({} if result.job is None else {"job": result.job}),
            },
        )

    def paths(self, arguments: ShellArguments) -> Sequence[str]:
        return ()

    def title(self, arguments: ShellArguments) -> str:
        where = " (background)" if arguments.background else ""
        return f"shell{where}: {arguments.command.strip()}"


async def _begin(command: str, context: ToolContext) -> ToolOutput:
    """Start a job, and look once whether it fails at once."""
    jobs = await context.sandbox.jobs()
    try:
        job = await jobs.start(command)
        return job_output(await jobs.read(job.number, wait_s=FIRST_LOOK_S))
    except JobProblem as problem:
        return failed(clean_text(str(problem)))


def _summary(result: ExecResult, timeout_s: float) -> str:
    if result.job is not None:
        return f"goes on as background job {result.job}"
    return f"timed out after {timeout_s:g} s" if result.timed_out else f"exit code {result.exit_code}"


def _footer(result: ExecResult, timeout_s: float) -> str:
    note = f"; {clean_text(result.note)}" if result.note else ""
    if result.job is not None:
        went_on = f"listens on a port after {timeout_s:g} s, so it goes on as background job {result.job}"
        return f"[{went_on}; the job tool reads and stops it{note}]"
    if result.timed_out:
        hint = f"give timeout_s (up to {MAX_TIMEOUT_S:g}), run it in the background or run a smaller part"
        return f"[timed out after {timeout_s:g} s and was killed; {hint}{note}]"
    return f"[exit code {result.exit_code}, {result.duration_s:.1f} s{note}]"
