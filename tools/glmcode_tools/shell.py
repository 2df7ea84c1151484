"""The `shell` tool: one command line in the sandbox."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glmcode_sandbox.base import ExecResult
from glmcode_sandbox.clean import clean_text
from glmcode_tools.base import Arguments, Text, ToolContext, ToolOutput, failed
from glmcode_tools.live import LiveOutput
from glmcode_tools.output import render_output

MAX_TIMEOUT_S = 600.0


class ShellArguments(Arguments):
    command: Text
    timeout_s: Annotated[float, Field(gt=0, le=MAX_TIMEOUT_S)] | None = None


class ShellTool:
    """Runs a command; a command that fails is a result like any other."""

    name: ClassVar[str] = "shell"
    arguments: ClassVar[type[Arguments]] = ShellArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "executes"

    async def run(self, arguments: ShellArguments, context: ToolContext) -> ToolOutput:
        if not arguments.command.strip():
            return failed("`command` is blank.")
        timeout_s = arguments.timeout_s or context.command_timeout_s
        live = LiveOutput(context)
        result = await context.sandbox.exec(arguments.command, timeout_s=timeout_s, on_output=live.sink)
        live.finish()
        output, clipped = render_output(result)
        return ToolOutput(
            text=f"{output.rstrip()}\n{_footer(result, timeout_s)}".lstrip("\n"),
            summary=f"exit code {result.exit_code}" if not result.timed_out else f"timed out after {timeout_s:g} s",
            is_error=result.timed_out,
            details={
                "exit_code": result.exit_code,
                "duration_s": round(result.duration_s, 3),
                "timed_out": result.timed_out,
                "bytes": result.total_bytes,
                "clipped": clipped,
            },
        )

    def paths(self, arguments: ShellArguments) -> Sequence[str]:
        return ()

    def title(self, arguments: ShellArguments) -> str:
        return f"shell: {arguments.command.strip()}"


def _footer(result: ExecResult, timeout_s: float) -> str:
    note = f"; {clean_text(result.note)}" if result.note else ""
    if result.timed_out:
        hint = f"give timeout_s (up to {MAX_TIMEOUT_S:g}) or run a smaller part"
        return f"[timed out after {timeout_s:g} s and was killed; {hint}{note}]"
    return f"[exit code {result.exit_code}, {result.duration_s:.1f} s{note}]"
