"""What surrounds the turn of a fix, with a screen or without: what the model is asked, and the proof of what it did."""

from collections.abc import Collection

from glmcode.fix.verdict import Judgement
from glmcode.fix.verify import Verification, Verifier
from glmcode_prompts.library import fix_prompt
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.workspace import WorkspaceError
from glmcode_tools.testing.report import NoTests, TestReport


def fix_task(issue: str, test_command: str | None, before: TestReport | NoTests | None) -> str:
    """What the model is asked to do. `before`: the tests as they are, None where they were not run."""
    return fix_prompt(
        issue=issue,
        test_command=test_command or "the run_tests tool",
        baseline=describe(before) if before else "not run",
    )


def describe(report: TestReport | NoTests) -> str:
    """One line on a test run."""
    if isinstance(report, NoTests):
        return f"no tests could be run: {report.reason}"
    failed = [case.id for case in report.cases if case.status in ("failed", "error")]
    named = f" ({', '.join(failed[:5])}{', ...' if len(failed) > 5 else ''})" if failed else ""
    return f"{len(report.passed)} passed, {len(failed)} failed{named}, {len(report.skipped)} skipped: {report.command}"


async def verified(
    verifier: Verifier,
    before: TestReport | NoTests,
    tree: str,
    patch: bytes,
    changed: Collection[str] | None = None,
) -> Verification:
    """The verdict; a failure of the sandbox leaves the patch unverified rather than lost. See `Verifier.verify`."""
    try:
        return await verifier.verify(before, tree, patch, changed)
    except (SandboxError, WorkspaceError) as error:
        return Verification(None, Judgement(verdict="unverified", reason=f"could not be verified: {error}"))
