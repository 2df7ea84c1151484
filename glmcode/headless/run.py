"""`glmcode run` and `glmcode fix`: one turn without a screen, then what the harness itself found out."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from glmcode.config import ConfigError, Settings
from glmcode.engines import ready_window
from glmcode.events import TurnFinished
from glmcode.exit_codes import ExitCode
from glmcode.headless.findings import Findings, Mode
from glmcode.headless.job import AUTO_CONTEXT_TOKENS, Job, open_job
from glmcode.interrupts import Interrupts
from glmcode.session.marks import Restoring
from glmcode_prompts.library import fix_prompt, load
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.transaction import new_aside
from glmcode_sandbox.workspace import WorkspaceError, protected
from glmcode_tools.filetext import display_name
from glmcode_tools.testing.report import NoTests, TestReport

if TYPE_CHECKING:
    from glmcode.fix.verify import Verification, Verifier


async def run_headless(settings: Settings, task: str, mode: Mode) -> int:
    """Play one turn and report it. Returns the exit code. Raises the errors of `open_job`."""
    _check_predictions(settings)
    main_task = asyncio.current_task()
    assert main_task is not None
    interrupts = Interrupts(main_task.cancel)
    findings = Findings(mode)
    try:
        async with open_job(settings, task) as job:
            try:
                await _work(job, task, interrupts, findings)
            except asyncio.CancelledError:
                main_task.uncancel()
            except (SandboxError, WorkspaceError) as error:
                findings.failure = error
                job.keep_workspace = findings.turn is not None and not findings.patch
            from glmcode.headless.report import report

            code = interrupts.code or findings.exit_code
            report(job, findings, code)
            return code
    except asyncio.CancelledError:
        code = interrupts.code or ExitCode.INTERRUPTED
        print(f"glmcode: interrupted before the turn began (exit code {code})", file=sys.stderr)
        return code


def _check_predictions(settings: Settings) -> None:
    """Before anything is spent: whether the prediction could be written at the end. Raises ConfigError."""
    if settings.predictions is None:
        return
    if not settings.instance_id:
        raise ConfigError("--predictions needs --instance-id ID")
    try:
        settings.predictions.open("a").close()
    except OSError as error:
        raise ConfigError(f"--predictions {settings.predictions}: {error.strerror}") from None


async def _work(job: Job, task: str, interrupts: Interrupts, findings: Findings) -> None:
    verifier = _verifier(job) if findings.mode == "fix" and job.settings.verify == "auto" else None
    if verifier is not None:
        findings.tests_before = await verifier.baseline()
        job.output.say(f"before: {describe(findings.tests_before)}")
    prompt = await _prompt(job, task, findings)
    cancel_run, interrupts.target = interrupts.target, job.agent.cancel
    findings.turn = await _turn(job, prompt)
    interrupts.target = cancel_run
    await job.sandbox.close()  # what still runs in it would write on while the change is taken down
    tree = await job.workspace.tree()
    job.tell_notes()
    findings.patch = await job.workspace.patch(tree)
    findings.files = tuple(change.path for change in await job.workspace.changes(tree))
    findings.applied = job.workspace.mode == "direct" and bool(findings.patch)
    if interrupts.code:
        return
    if verifier is not None and findings.tests_before and findings.patch:
        findings.verification = await _verify(verifier, findings.tests_before, tree, findings.patch)
        if findings.after:
            job.output.say(f"after: {describe(findings.after)}")
    await _apply(job, tree, findings)


def _verifier(job: Job) -> "Verifier":
    from glmcode.fix.verify import Verifier

    return Verifier(
        job.workspace,
        job.make_sandbox,
        test_command=job.settings.test_command,
        timeout_s=job.settings.test_timeout,
        say=job.output.say,
    )


async def _verify(verifier: "Verifier", before: TestReport | NoTests, tree: str, patch: bytes) -> "Verification":
    """The verdict; a failure of the sandbox leaves the patch unverified rather than lost."""
    from glmcode.fix.verdict import Judgement
    from glmcode.fix.verify import Verification

    try:
        return await verifier.verify(before, tree, patch)
    except (SandboxError, WorkspaceError) as error:
        return Verification(None, Judgement(verdict="unverified", reason=f"could not be verified: {error}"))


async def _turn(job: Job, prompt: str) -> TurnFinished:
    finished: TurnFinished | None = None
    async with aclosing(job.play(prompt)) as events:
        async for event in events:
            if event.kind == "turn_finished":
                finished = event
    assert finished is not None, "every turn ends with turn_finished"
    return finished


async def _prompt(job: Job, task: str, findings: Findings) -> str:
    """The user message: the repository pack, then the task; a resumed session has its pack already."""
    if findings.mode == "fix":
        before = findings.tests_before
        task = fix_prompt(
            issue=task,
            test_command=job.settings.test_command or "the run_tests tool",
            baseline=describe(before) if before else "not run",
        )
    else:
        task = load("task", task=task)
    budget = job.settings.context
    if job.resumed or budget == 0:
        job.announce(0)
        return task
    from glmcode.context.pack import pack
    from glmcode.context.pins import Pins

    tokens = await _auto_budget(job) if budget == "auto" else budget
    packed = await asyncio.to_thread(pack, job.repo, task, tokens, Pins(job.settings.pin, job.settings.drop))
    job.announce(packed.tokens)
    return f"{packed.text}\n\n{task}" if packed.text else task


async def _auto_budget(job: Job) -> int:
    """A small window must hold more than the pack."""
    window = await ready_window(job.engine, job.settings)
    return AUTO_CONTEXT_TOKENS if window is None else min(AUTO_CONTEXT_TOKENS, window // 4)


async def _apply(job: Job, tree: str, findings: Findings) -> None:
    """Bring an isolated workspace's changes to the user's repository, when that is wanted."""
    if job.workspace.mode == "direct":
        # `guarded` names them at the end.
        return
    changed = (*findings.files, *await job.workspace.new_git_folders())
    for path in protected(changed, job.workspace.hook_paths):
        job.output.say(f"warning: protected git, hook or task file changed: {display_name(path)}")
    if not findings.patch or not _wants_apply(job, findings):
        return
    aside = _will_apply(job, tree, findings.files)
    try:
        applied = await job.workspace.apply(aside=aside)
    except WorkspaceError as error:
        findings.refused = str(error)
    else:
        findings.applied = not applied.conflicts
        if applied.conflicts:
            findings.refused = f"changed in the repository meanwhile: {_listed(applied.conflicts)}"
    if findings.refused:
        job.output.say(f"not applied: {findings.refused}")


def _will_apply(job: Job, tree: str, paths: tuple[str, ...]) -> str:
    """Note what is about to be moved, so that it can be put back if we are killed; gives the folder to do it in."""
    aside = new_aside()
    job.session.append_record(
        Restoring(id="apply", before=job.workspace.start_tree, tree=tree, paths=paths, aside=aside)
    )
    return aside


def _listed(paths: Sequence[str]) -> str:
    """File names, which nobody vouches for, on one line."""
    more = f" and {len(paths) - 10} more" if len(paths) > 10 else ""
    return ", ".join(display_name(path) for path in paths[:10]) + more


def _wants_apply(job: Job, findings: Findings) -> bool:
    """By default what is done (run) or verified (fix) is applied; --apply auto asks for whatever came out."""
    match job.settings.apply:
        case "never":
            return False
        case "ask":
            job.output.say("not applied: --apply ask, and nobody can be asked here")
            return False
        case "auto":
            return True
        case None:
            return findings.exit_code is ExitCode.DONE


def describe(report: TestReport | NoTests) -> str:
    """One line on a test run."""
    if isinstance(report, NoTests):
        return f"no tests could be run: {report.reason}"
    failed = [case.id for case in report.cases if case.status in ("failed", "error")]
    named = f" ({', '.join(failed[:5])}{', ...' if len(failed) > 5 else ''})" if failed else ""
    return f"{len(report.passed)} passed, {len(failed)} failed{named}, {len(report.skipped)} skipped: {report.command}"
