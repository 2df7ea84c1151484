"""The end of a headless run: its result record, its artifacts, and a last line for people."""

import json
import shlex
import time

from glmcode import __version__
from glmcode.headless.artifacts import append_prediction, prediction, write_artifacts
from glmcode.headless.findings import Findings
from glmcode.headless.job import Job
from glmcode.headless.problems import find_problems
from glmcode.headless.result import LimitsRecord, Result, tests_record, usage_record
from glmcode.offline import connections
from glmcode.session.store import FILE_NAME, read_whole
from glmcode_engine.messages import Usage
from glmcode_tools.filetext import display_name


async def report(job: Job, findings: Findings, exit_code: int) -> None:
    """Write the artifacts to --out and to the session, and print the result; also when it is interrupted."""
    problems = await find_problems(findings, job.repo)
    result = _result(job, findings, exit_code)
    for folder in {job.out, job.session.folder}:
        write_artifacts(folder, result, findings, problems)
    job.session.append_record(result)
    if job.out != job.session.folder:
        _exchange_files(job, result, findings)
    settings = job.settings
    if settings.predictions and settings.instance_id:
        append_prediction(settings.predictions, prediction(settings.instance_id, job.engine.info.model, findings.patch))
    job.output.result(result, problems, job.repo)
    if findings.patch and not findings.applied:
        job.output.say(f"the patch is kept: git apply {shlex.quote(str(result.patch_file))}")
    elif findings.applied:
        names = ", ".join(map(display_name, findings.files[:10]))
        job.output.say(f"changed: {names}{', ...' if len(findings.files) > 10 else ''}")
    seal = f"verdict {result.verdict}: " if findings.mode == "fix" else ""
    if result.limits.reached:
        job.output.say(f"to go on, with a higher limit: glmcode run --resume {result.session} ...")
    job.output.say(f"{seal}{result.reason} (exit code {result.exit_code})")


def _exchange_files(job: Job, result: Result, findings: Findings) -> None:
    """The forms of other tools, for whoever asked for artifacts."""
    from glmcode.headless.trajectory import trajectory_text

    _, conversation = read_whole(job.session.folder / FILE_NAME)
    text = trajectory_text(result, conversation.said, findings.patch, __version__)
    (job.out / "trajectory.traj.json").write_text(text + "\n", encoding="utf-8")
    if instance := job.settings.instance_id:
        one = prediction(instance, job.engine.info.model, findings.patch)
        (job.out / "preds.json").write_text(json.dumps({instance: one}, indent=2) + "\n", encoding="utf-8")


def _result(job: Job, findings: Findings, exit_code: int) -> Result:
    turn, judgement, settings = findings.turn, findings.judgement, job.settings
    return Result(
        session=job.session.id,
        status="error" if findings.failure is not None else turn.reason if turn else "cancelled",
        verdict=judgement.verdict,
        reason=_reason(findings),
        exit_code=exit_code,
        answer=turn.answer.strip() if turn else "",
        patch_file=str(job.out / "patch.diff") if findings.patch else None,
        files_changed=findings.files,
        applied=findings.applied,
        tests=tests_record(findings.before, findings.after, judgement),
        usage=usage_record(
            turn.usage if turn else Usage(), turn.requests if turn else 0, turn.cost_usd if turn else None
        ),
        duration_s=round(time.monotonic() - findings.started, 3),
        limits=LimitsRecord(
            max_steps=settings.max_steps,
            max_tokens=settings.max_tokens,
            max_cost=settings.max_cost,
            timeout=settings.timeout,
            reached=turn.detail if turn and turn.reason == "limit" else None,
        ),
        engine=job.engine.info,
        base_commit=job.workspace.base_commit,
        connections=connections(),
    )


def _reason(findings: Findings) -> str:
    """One sentence on why it ended so."""
    turn = findings.turn
    if findings.failure is not None:
        return str(findings.failure)
    if turn is None or turn.reason == "cancelled":
        return "interrupted"
    match turn.reason:
        case "done":
            if findings.mode == "fix":
                return findings.judgement.reason
            return f"not applied: {findings.refused}" if findings.refused else "done"
        case "limit":
            return f"the limit of {turn.detail} was reached"
        case "error":
            return f"the turn ended with an error: {turn.detail}"
