"""`glmcode doctor`: what is there, what is missing, what to do about it."""

import argparse

from glmcode import paths
from glmcode.cli.settings import settings_of
from glmcode.doctor import examine, render
from glmcode.doctor_record import DoctorInput
from glmcode.exit_codes import ExitCode
from glmcode.keys import find_key
from glmcode.window_check import check_window

_OF_SANDBOX = frozenset({"git", "docker", "image", "bwrap", "sandbox"})


async def doctor(options: argparse.Namespace, *, sandbox_only: bool) -> int:
    """Print the report; 0 when nothing is missing."""
    settings = settings_of(options)
    report = await examine(
        DoctorInput(
            base_url=settings.base_url,
            model=settings.model,
            has_key=find_key(settings.base_url) is not None,
            sandbox=settings.sandbox,
            image=settings.image,
            state_dir=paths.state_dir(),
            connect=getattr(options, "connect", False),
        )
    )
    if getattr(options, "connect", False):
        report = report.model_copy(update={"checks": (*report.checks, await check_window(settings))})
    if sandbox_only:
        checks = tuple(check for check in report.checks if check.name in _OF_SANDBOX)
        ok = all(check.status != "missing" for check in checks)
        report = report.model_copy(update={"checks": checks, "ok": ok})
    print(report.model_dump_json() if options.json else render(report), end="\n" if options.json else "")
    missing = ExitCode.NO_SANDBOX if sandbox_only else ExitCode.FAILURE
    return ExitCode.DONE if report.ok else missing
