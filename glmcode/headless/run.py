"""`glmcode run` and `glmcode fix`: one turn without a screen, then what the harness itself found out."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from glmcode.config import ConfigError, Settings
from glmcode.events import TurnFinished
from glmcode.exit_codes import ExitCode
from glmcode.headless.findings import Findings, Mode
from glmcode.headless.job import Job, open_job
from glmcode.interrupts import Interrupts
from glmcode.live.told import waiting_notes
from glmcode.model.engines import ready_window
from glmcode.session.marks import Restoring
from glmcode.starting import settle
from glmcode_prompts.library import load
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.workspace import WorkspaceError, protected
from glmcode_sandbox.workspaces.transaction import new_aside
from glmcode_tools.filetext import display_name

if TYPE_CHECKING:
    from glmcode.context.record import ContextPack
    from glmcode.fix.verify import Verifier


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
            await report(job, findings, code)
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
        from glmcode.fix.proving import describe, verified

        findings.tests_before = await verifier.baseline()
        job.output.say(f"before: {describe(findings.tests_before)}")
    prompt = await _prompt(job, task, findings)
    cancel_run, interrupts.target = interrupts.target, job.agent.cancel
    findings.turn = await _turn(job, prompt, task)
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
        findings.verification = await verified(verifier, findings.tests_before, tree, findings.patch)
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


async def _turn(job: Job, prompt: str, task: str) -> TurnFinished:
    finished: TurnFinished | None = None
    async with aclosing(job.play(prompt, typed=task)) as events:
        async for event in events:
            if event.kind not in ("prompted", "step_started"):
                settle()  # the model has answered, so the client is imported
            if event.kind == "turn_finished":
                finished = event
    assert finished is not None, "every turn ends with turn_finished"
    return finished


async def _prompt(job: Job, task: str, findings: Findings) -> str:
    """The user message: the repository pack, then the task; a resumed session has its pack already."""
    if findings.mode == "fix":
        from glmcode.fix.proving import fix_task

        message = fix_task(task, job.settings.test_command, findings.tests_before)
    else:
        message = load("task", task=task)
    if job.resumed:
        job.announce(0)
        return "\n\n".join([*await _since_then(job), message])
    if job.settings.context == 0:
        job.announce(0)
        return message
    packed = await _pack(job, task)
    job.announce(packed.tokens)
    return f"{packed.text}\n\n{message}" if packed.text else message


async def _since_then(job: Job) -> list[str]:
    """What the model was not told yet: what waits in the session, and what others changed since it was left."""
    from glmcode.session.meanwhile import changed_meanwhile

    waiting = await asyncio.to_thread(waiting_notes, job.session)
    changed = await changed_meanwhile(job.session, job.workspace)
    if changed:
        job.output.say("the model is told what changed in the repository since the session was left")
    return [*waiting, *([changed] if changed else [])]


async def _pack(job: Job, task: str) -> "ContextPack":
    """The pack for what was asked, in the words of whoever asked; a budget that was chosen is told."""
    from glmcode.context.budget import Auto, announcement
    from glmcode.context.pack import pack
    from glmcode.context.pins import Pins

    settings = job.settings
    budget: int | Auto = Auto(await ready_window(job.engine, settings), job.prices)
    if settings.context != "auto":
        budget = settings.context
    packed = await asyncio.to_thread(pack, job.repo, task, budget, Pins(settings.pin, settings.drop))
    if packed.note:
        job.output.say(f"context: {packed.note}")
    if packed.budget_why:
        job.output.say(f"context: {announcement(packed.tokens, packed.budget_why, job.prices)}")
    return packed


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
