"""`glmcode airgap pack|install|check`: to a machine without a network and working there."""

import argparse
import asyncio
import re
import sys

from glmcode import paths
from glmcode.cli.settings import say, settings_of
from glmcode.config import ConfigError
from glmcode.exit_codes import ExitCode


async def airgap(options: argparse.Namespace) -> int:
    """Run one of the verbs; its exit code. Raises ConfigError, SandboxError."""
    match options.verb:
        case "pack":
            return await asyncio.to_thread(_pack, options)
        case "install":
            return await asyncio.to_thread(_install, options)
        case _:
            return await _check(options)


def _pack(options: argparse.Namespace) -> int:
    from glmcode.airgap.pack import pack
    from glmcode.airgap.wheels import PackError
    from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE

    if settings_of(argparse.Namespace()).offline:
        raise ConfigError("--offline: packing fetches wheels from a registry; pack without it")
    python = options.python or f"{sys.version_info.major}.{sys.version_info.minor}"
    if not re.fullmatch(r"3\.\d{1,2}", python):
        raise ConfigError(f"--python takes a version such as 3.11, not {python!r}")
    image = None if options.no_image else options.image or DEFAULT_IMAGE
    try:
        packed = pack(options.out.absolute(), image, python, say)
    except PackError as error:
        say(str(error))
        return ExitCode.FAILURE
    print(f"{packed.path}: {packed.size / 1e6:.1f} MB, {len(packed.manifest.members)} files, for Python {python}")
    print(f"sha256 {packed.sha256}")
    print(f"there: tar xf {packed.path.name} install.py && python3 install.py {packed.path.name} --into DIR")
    return ExitCode.DONE


def _install(options: argparse.Namespace) -> int:
    from glmcode.airgap.install import InstallError, install

    try:
        install(options.archive, options.into.absolute(), say, sha256=options.sha256, image=not options.no_image)
    except InstallError as error:
        say(str(error))
        return ExitCode.FAILURE
    return ExitCode.DONE


async def _check(options: argparse.Namespace) -> int:
    from glmcode.airgap.check import check_airgap
    from glmcode.doctor import render
    from glmcode.doctor_record import DoctorInput, Report
    from glmcode.keys import find_key

    settings = settings_of(options)
    doctor = DoctorInput(
        base_url=settings.base_url,
        model=settings.model,
        has_key=find_key(settings.base_url) is not None,
        sandbox=settings.sandbox,
        image=settings.image,
        state_dir=paths.state_dir(),
    )
    report = await check_airgap(settings, doctor, demo=not options.no_demo)
    print(report.model_dump_json() if options.json else render(Report(ok=report.ok, checks=report.checks)).rstrip())
    return ExitCode.DONE if report.ok else ExitCode.FAILURE
