"""The `run_tests` tool: the repository's tests, as counts and failures."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glmcode_tools.base import Arguments, Text, ToolContext, ToolOutput, failed
from glmcode_tools.live import LiveOutput
from glmcode_tools.output import clip_lines
from glmcode_tools.testing.report import NoTests, TestCase, TestReport

MAX_CHARS = 12_000
MESSAGE_CHARS = 2_000
MAX_SHOWN = 8
"""Failures shown with their message."""
MAX_NAMED = 60


class RunTestsArguments(Arguments):
    ids: Annotated[tuple[Annotated[Text, Field(min_length=1)], ...], Field(max_length=200)] = ()


class RunTestsTool:
    """Runs the suite, or some tests of it, with the runner that the repository uses."""

    name: ClassVar[str] = "run_tests"
    arguments: ClassVar[type[Arguments]] = RunTestsArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "executes"

    async def run(self, arguments: RunTestsArguments, context: ToolContext) -> ToolOutput:
        from glmcode_tools.testing.run import run_suite

        live = LiveOutput(context)
        report = await run_suite(context.sandbox, command=context.test_command, ids=arguments.ids, on_output=live.sink)
        live.finish()
        if isinstance(report, NoTests):
            return failed(report.reason, "no tests found")
        return ToolOutput(text=report_text(report), summary=f"tests: {report.counts}", details=_details(report))

    def paths(self, arguments: RunTestsArguments) -> Sequence[str]:
        return ()

    def title(self, arguments: RunTestsArguments) -> str:
        return f"run_tests {' '.join(arguments.ids)}".strip()


def report_text(report: TestReport) -> str:
    """A run as the model reads it: counts first, then failures with their messages, clipped."""
    lines = [f"{report.command}: {report.counts} in {report.duration_s:.1f} s (exit code {report.exit_code})"]
    if report.timed_out:
        lines.append("It was stopped at its time limit; tests may be missing here.")
    elif not report.complete:
        lines.append("It did not get through; tests may be missing here.")
    bad = [case for case in report.cases if case.status in ("failed", "error")]
    room = MAX_CHARS
    for case in bad[:MAX_SHOWN]:
        block = _block(case)
        room -= len(block)
        lines.append(block if room > 0 else _head(case))
    lines += [_head(case) for case in bad[MAX_SHOWN:MAX_NAMED]]
    if len(bad) > MAX_NAMED:
        lines.append(f"... and {len(bad) - MAX_NAMED} more")
    if not report.complete and not bad:
        lines.append(report.output_tail)
    return "\n".join(lines)


def _head(case: TestCase) -> str:
    place = f" ({case.file}{f':{case.line}' if case.line else ''})" if case.file else ""
    return f"{case.status.upper()} {case.id}{place}"


def _block(case: TestCase) -> str:
    message = clip_lines(case.message, MESSAGE_CHARS).strip("\n")
    return "\n".join([_head(case), *(f"    {line}" for line in message.split("\n") if message)])


def _details(report: TestReport) -> dict[str, object]:
    return {
        "command": report.command,
        "runner": report.runner,
        "passed": len(report.passed),
        "failed": len(report.failed),
        "skipped": len(report.skipped),
        "failing": sorted(report.failed)[:MAX_NAMED],
        "exit_code": report.exit_code,
        "duration_s": report.duration_s,
        "complete": report.complete,
    }
