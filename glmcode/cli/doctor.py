"""`glmcode doctor`: what is there, what is missing, what to do about it."""

import argparse
from pathlib import Path

from glmcode import paths
from glmcode.cli.settings import settings_of
from glmcode.config import Settings
from glmcode.doctor import examine, render
from glmcode.doctor_record import Check, DoctorInput
from glmcode.exit_codes import ExitCode
from glmcode.keys import find_key
from glmcode.model.window_check import check_window
from glmcode.places.images import ImageChoice, choose_image
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.workspace import WorkspaceError, find_repository

_OF_SANDBOX = frozenset({"git", "docker", "image", "bwrap", "sandbox"})


async def doctor(options: argparse.Namespace, *, sandbox_only: bool) -> int:
    """Print the report; 0 when nothing is missing."""
    settings = settings_of(options)
    choice = await _choice(settings)
    report = await examine(
        DoctorInput(
            base_url=settings.base_url,
            model=settings.model,
            has_key=find_key(settings.base_url) is not None,
            sandbox=settings.sandbox,
            image=choice.image if choice else settings.image,
            state_dir=paths.state_dir(),
            connect=getattr(options, "connect", False),
        )
    )
    if choice is not None:
        reasoned = tuple(_with_reason(check, choice) for check in report.checks)
        report = report.model_copy(update={"checks": reasoned})
    if getattr(options, "connect", False):
        report = report.model_copy(update={"checks": (*report.checks, await check_window(settings))})
    if sandbox_only:
        checks = tuple(check for check in report.checks if check.name in _OF_SANDBOX)
        ok = all(check.status != "missing" for check in checks)
        report = report.model_copy(update={"checks": checks, "ok": ok})
    print(report.model_dump_json() if options.json else render(report), end="\n" if options.json else "")
    missing = ExitCode.NO_SANDBOX if sandbox_only else ExitCode.FAILURE
    return ExitCode.DONE if report.ok else missing


async def _choice(settings: Settings) -> ImageChoice | None:
    """The image that a run here would use by what has been made so far; None where that cannot be told."""
    if settings.sandbox != "docker":
        return None
    try:
        repo = find_repository(settings.repo or Path.cwd())
        return await choose_image(settings, repo, lambda line: None, build=False)
    except (WorkspaceError, SandboxError):
        return None  # no repository, or no daemon: the checks say so


def _with_reason(check: Check, choice: ImageChoice) -> Check:
    return check.model_copy(update={"detail": f"{check.detail} ({choice.why})"}) if check.name == "image" else check
