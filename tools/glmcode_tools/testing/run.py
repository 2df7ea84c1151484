"""Runs a suite in the sandbox and turns whatever reports it leaves into one `TestReport`."""

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import replace

from glmcode_sandbox.base import ExecResult, OutputSink, Sandbox
from glmcode_tools.output import render_output
from glmcode_tools.testing.detect import detect
from glmcode_tools.testing.recognise import Recognised, recognise
from glmcode_tools.testing.report import NoTests, TestCase, TestReport, case, merge, select
from glmcode_tools.testing.runners import Runner, invocation

SUITE_TIMEOUT_S = 1800.0
OUTPUT_BYTES = 16 * 1024 * 1024
"""Of a run's output; what go, cargo and TAP print is their report."""
REPORT_BYTES = 64 * 1024 * 1024
TAIL_CHARS = 4_000
NO_TESTS_EXIT = 5
"""pytest found nothing to run."""

_JAVA_REPORTS = r"""find . -name 'TEST-*.xml' -newer "$d/started" -type f \( -path '*/surefire-reports/*' \
  -o -path '*/failsafe-reports/*' -o -path '*/test-results/*' \) 2>/dev/null;"""

_OPTIONS_UNKNOWN = re.compile(r"unrecognized arguments|Missing required plugins")
_NO_NETWORK = re.compile(r"(?i)unknown host|could not resolve host|could not transfer|name resolution|unknownhost")


async def run_suite(
    sandbox: Sandbox,
    *,
    command: str | None = None,
    ids: Sequence[str] = (),
    timeout_s: float = SUITE_TIMEOUT_S,
    on_output: OutputSink | None = None,
) -> TestReport | NoTests:
    """Run the workspace's tests and report every one.

    `command` is the user's way to run them; without it the runner is found out. `ids`, as reports name them, pick
    tests; a runner that cannot pick runs everything and the rest is left out of the report. Raises SandboxError.
    """
    found = Runner("command", command) if command else await detect(sandbox)
    if isinstance(found, NoTests):
        return found
    report = await _run(sandbox, found, ids, timeout_s, on_output)
    if found.name == "unittest" and not (report.cases or ids):
        return NoTests(
            reason=f"`{found.command}` finds no tests, and the sandbox has no pytest; the image has to hold it, or a "
            "setup command has to install it."
        )
    if not command and (other := _other_way(found, report)):
        return await _run(sandbox, other, ids, timeout_s, on_output)
    return report


async def _run(
    sandbox: Sandbox, runner: Runner, ids: Sequence[str], timeout_s: float, on_output: OutputSink | None
) -> TestReport:
    folder = f"/tmp/glmcode-tests-{secrets.token_hex(8)}"
    call = invocation(runner, folder, ids)
    script = f"mkdir -m 700 {folder} && : > {folder}/started || exit 125\n{call.script}\n"
    try:
        result = await sandbox.exec(
            script, timeout_s=timeout_s, env=call.env, on_output=on_output, keep_bytes=OUTPUT_BYTES
        )
        reports = await _read_reports(sandbox, folder, runner)
    finally:
        await sandbox.exec(f"rm -rf -- {folder}")
    recognised = recognise(runner, result.output.decode("utf-8", "replace"), reports, sandbox.workdir)
    return _report(runner, result, recognised, ids)


async def _read_reports(sandbox: Sandbox, folder: str, runner: Runner) -> dict[str, bytes]:
    """The report files by name: those in our folder, and XML that Java builds wrote since the start."""
    java = _JAVA_REPORTS if runner.name in ("maven", "gradle", "command") else ""
    script = f"""d={shlex.quote(folder)}
{{ find "$d" -maxdepth 1 -type f \\( -name '*.xml' -o -name '*.json' -o -name '*.jsonl' \\) 2>/dev/null; {java} }} |
while IFS= read -r f; do printf '%s %s\\n' "$(wc -c < "$f" | tr -d ' ')" "$f"; cat "$f"; done"""
    result = await sandbox.exec(script, timeout_s=120.0, keep_bytes=REPORT_BYTES)
    return {} if result.head_bytes is not None else _split_reports(result.output)


def _split_reports(data: bytes) -> dict[str, bytes]:
    reports: dict[str, bytes] = {}
    at = 0
    while found := re.compile(rb"(\d{1,12}) ([^\n]+)\n").match(data, at):
        size = int(found[1])
        reports[found[2].decode("utf-8", "replace")] = data[found.end() : found.end() + size]
        at = found.end() + size
    return reports


def _report(runner: Runner, result: ExecResult, found: Recognised, ids: Sequence[str]) -> TestReport:
    tail, _ = render_output(result.output[-4 * TAIL_CHARS :], TAIL_CHARS)
    cases = list(merge(found.cases))
    whole = found.complete and not result.timed_out and result.exit_code < 126
    if found.runner == "command":
        cases = [_whole_command(runner, result, tail)]
    elif _unexplained(result, cases):
        # Something besides the tests failed: coverage, a linter behind `&&`, a build, an unknown id.
        cases.append(case(runner.command, "error", message=f"exit code {result.exit_code}\n{tail}"))
    picked = select(cases, (*ids, runner.command)) if ids else tuple(cases)
    return TestReport(
        command=runner.command,
        runner=found.runner,
        cases=picked,
        exit_code=result.exit_code,
        duration_s=round(result.duration_s, 3),
        timed_out=result.timed_out,
        output_tail=tail,
        complete=whole,
    )


def _whole_command(runner: Runner, result: ExecResult, tail: str) -> TestCase:
    if result.exit_code == 0:
        return case(runner.command, "passed")
    return case(runner.command, "error" if result.timed_out else "failed", message=tail)


def _unexplained(result: ExecResult, cases: list[TestCase]) -> bool:
    if result.exit_code in (0, NO_TESTS_EXIT) or result.timed_out:
        return False
    return not any(item.status in ("failed", "error") for item in cases)


def _other_way(runner: Runner, report: TestReport) -> Runner | None:
    """How to try once more where a detected runner gave up before any test for a reason that is not the code's."""
    if report.passed:
        return None
    more = ""
    match runner.name:
        case "pytest" if report.exit_code == 4 and _OPTIONS_UNKNOWN.search(report.output_tail):
            # The project's own options name plugins that are missing here; the tests may well run without.
            more = "-o addopts= -o required_plugins="
        case "maven" | "gradle" | "cargo" if _NO_NETWORK.search(report.output_tail):
            # Offline they take what earlier builds left in their caches.
            more = "-o" if runner.name == "maven" else "--offline"
    return replace(runner, command=f"{runner.command} {more}") if more else None
