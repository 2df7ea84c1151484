"""The files of a headless run: result, patch, report and test results in the folder of `--out`."""

import json
from collections.abc import Sequence
from pathlib import Path

from glmcode.headless.findings import Findings
from glmcode.headless.problems import Problem
from glmcode.headless.result import Result
from glmcode.headless.sarif import sarif_text
from glmcode.markdown import fenced
from glmcode_sandbox.clean import clean_text, one_line

_SEALS = {
    "verified": "VERIFIED: failed before, passes now, nothing broken",
    "unverified": "UNVERIFIED",
    "not_reproduced": "NOT REPRODUCED",
    "failed": "FAILED: the change breaks tests that passed before",
    "none": "NO VERDICT",
}


def write_artifacts(out: Path, result: Result, findings: Findings, problems: Sequence[Problem]) -> None:
    """Write everything but events.jsonl, which grows during the run."""
    patch = findings.patch
    (out / "result.json").write_text(result.as_json(indent=2) + "\n", encoding="utf-8")
    (out / "patch.diff").write_bytes(patch)
    (out / "report.md").write_text(report_text(result, patch), encoding="utf-8")
    (out / "results.sarif").write_text(sarif_text(problems), encoding="utf-8")
    for name, report in (("junit-before.xml", findings.before), ("junit-after.xml", findings.after)):
        if report is not None:
            from glmcode_tools.testing.formats.junit_text import junit_text

            (out / name).write_text(junit_text(report), encoding="utf-8")


def prediction(instance_id: str, model: str, patch: bytes) -> dict[str, str]:
    """A patch as SWE-bench scores it."""
    return {
        "instance_id": instance_id,
        "model_name_or_path": f"glmcode-{model}",
        "model_patch": patch.decode("utf-8", "replace"),
    }


def append_prediction(path: Path, line: dict[str, str]) -> None:
    """Add one line to a file of SWE-bench predictions."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def report_text(result: Result, patch: bytes) -> str:
    """Markdown for a pull request or a step summary."""
    lines = [f"# {_SEALS[result.verdict]}", "", clean_text(result.reason), ""]
    if result.answer:
        lines += ["## Answer of the model", "", fenced(clean_text(result.answer)), ""]
    lines += _tests(result)
    if patch:
        lines += ["## Patch", "", fenced(clean_text(patch.decode("utf-8", "replace"))[:60_000], "diff"), ""]
    usage = result.usage
    lines += [
        "## Run",
        "",
        f"- model: {one_line(result.engine.model, 100)} ({result.engine.kind})",
        f"- base commit: {result.base_commit or 'none'}",
        f"- {usage.requests} requests, {usage.prompt_tokens} prompt tokens ({usage.cached_tokens} cached), "
        f"{usage.completion_tokens} completion tokens, {result.duration_s:.0f} s",
        "",
    ]
    return "\n".join(lines)


def _tests(result: Result) -> list[str]:
    tests = result.tests
    if tests.before is None:
        return []
    lines = [
        "## Tests",
        "",
        f"`{one_line(tests.command or '', 200)}`",
        "",
        "| run | passed | failed | skipped |",
        "|---|---|---|---|",
    ]
    for name, counted in (("before", tests.before), ("after", tests.after)):
        if counted:
            lines.append(f"| {name} | {counted.passed} | {counted.failed} | {counted.skipped} |")
    lines.append("")
    named: Sequence[tuple[str, tuple[str, ...]]] = (
        ("Fixed", tests.fixed),
        ("Broken", tests.broken),
        ("Removed", tests.removed),
        ("Rewritten", tests.rewritten),
        ("Flaky", tests.flaky),
    )
    for title, ids in named:
        if ids:
            lines += [f"{title}:", "", *(f"- `{one_line(each, 200)}`" for each in ids[:50]), ""]
    return lines
