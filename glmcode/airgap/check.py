"""Proves on the machine itself that an air-gapped glmcode is whole: packages, token ranks, image, demo, engine."""

import asyncio
import importlib
import importlib.metadata
import json
import re
import shutil
import sys
from typing import Literal

from glmcode.config import Settings
from glmcode.docker_checks import check_docker
from glmcode.doctor import check_endpoint
from glmcode.doctor_record import Check, DoctorInput, Record
from glmcode_engine.tokens import Counter
from glmcode_sandbox.clean import clean_text, one_line

DEMO_TIMEOUT_S = 600.0
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class AirgapReport(Record):
    """All checks; the record of `glmcode airgap check --json`."""

    kind: Literal["airgap"] = "airgap"
    v: Literal[1] = 1
    ok: bool
    """Nothing is missing; warnings do not count."""
    checks: tuple[Check, ...]


async def check_airgap(settings: Settings, doctor: DoctorInput, *, demo: bool = True) -> AirgapReport:
    """Check everything, the demo included: that takes half a minute. Never raises for what it finds.

    The engine is asked only where the settings name an address.
    """
    checks = [*await asyncio.to_thread(_packages), await asyncio.to_thread(_ranks)]
    if settings.sandbox == "docker":
        checks += await check_docker(settings.image)
    if demo:
        checks.append(await _demo(settings))
    if settings.model_fields_set & {"base_url", "preset"}:
        checks += await check_endpoint(doctor.model_copy(update={"connect": True}))
    return AirgapReport(ok=all(check.status != "missing" for check in checks), checks=tuple(checks))


def _packages() -> tuple[Check, ...]:
    """Every package that glmcode depends on is imported, as it would be when it is needed."""
    wanted = [r for r in importlib.metadata.requires("glmcode") or () if "extra ==" not in r]
    names = {_canonical(match[0]) for requirement in wanted if (match := _NAME.match(requirement))}
    owners_of = importlib.metadata.packages_distributions()
    modules = [
        module
        for module, owners in owners_of.items()
        if module.isidentifier() and not module.startswith("_") and {_canonical(owner) for owner in owners} & names
    ]
    broken = []
    for module in sorted(modules):
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever a package does when it is imported, it is a finding
            broken.append(f"{module} ({type(error).__name__})")
    broken += sorted(names - {_canonical(owner) for module in modules for owner in owners_of[module]})
    if broken:
        remedy = "Install the archive again into a new folder."
        return (Check(name="packages", status="missing", detail=f"broken: {', '.join(broken)}", remedy=remedy),)
    return (Check(name="packages", status="ok", detail=f"{', '.join(sorted(names))} are imported"),)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _ranks() -> Check:
    try:
        counted = Counter().count("def add(a, b):\n    return a + b\n")
    except Exception as error:  # whatever is wrong with the file, it is a finding
        remedy = "Install the archive again into a new folder."
        return Check(name="token ranks", status="missing", detail=f"{type(error).__name__}: {error}", remedy=remedy)
    return Check(name="token ranks", status="ok", detail=f"a text of two lines has {counted} tokens")


async def _demo(settings: Settings) -> Check:
    """The demo with `--offline`, and without any network interface where this machine lets us make such a place."""
    isolated = await _without_network()
    where = "with no network interface" if isolated else "with --offline"
    flags = ("--offline", "--output", "json", "--sandbox", settings.sandbox)
    image = ("--image", settings.image) if settings.image else ()
    command = [*isolated, sys.executable, "-m", "glmcode", "demo", *flags, *image]
    code, output, told = await _run(command)
    try:
        result = json.loads(output)
        connections = [each["destination"] for each in result["connections"]]
        verdict = str(result["verdict"])
    except (ValueError, KeyError, TypeError):
        connections, verdict = [], "no result"
    if code == 0 and not connections and verdict == "verified":
        return Check(name="demo", status="ok", detail=f"verified {where}; connections: none")
    last = one_line(" / ".join(clean_text(told).splitlines()[-2:]), 300)
    detail = f"{verdict} {where}, exit code {code}: {last}"
    remedy = "Run `glmcode demo --offline` and look at what it says; --sandbox bwrap needs no image."
    return Check(name="demo", status="missing", detail=detail, remedy=remedy)


async def _without_network() -> list[str]:
    """The words before a command that give it a network namespace of its own; none where that cannot be made."""
    if shutil.which("unshare"):
        for words in (["unshare", "--net", "--"], ["unshare", "--net", "--map-root-user", "--"]):
            if (await _run([*words, "true"]))[0] == 0:
                return words
    return []


async def _run(command: list[str]) -> tuple[int, bytes, bytes]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    try:
        output, told = await asyncio.wait_for(process.communicate(), DEMO_TIMEOUT_S)
    except TimeoutError:
        return 124, b"", f"did not end within {DEMO_TIMEOUT_S:.0f} s".encode()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode or 0, output, told
