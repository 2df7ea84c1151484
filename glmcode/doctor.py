"""Examines what glmcode needs on this machine: what is there, what is missing, and what to do about it."""

import asyncio
import os
import platform
import re
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from glmcode.docker_checks import check_docker
from glmcode.doctor_record import Check, DoctorInput, Report, Status
from glmcode.keys import needs_key
from glmcode_sandbox.clean import one_line

COMMAND_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 10.0

_OLDEST_PYTHON = (3, 11)
_OLDEST_GIT = (2, 32)
"""The first git that leaves out the user's configuration when it is told to (GIT_CONFIG_GLOBAL)."""

DockerChecks = Callable[[str | None], Awaitable[tuple[Check, ...]]]
"""Examines the daemon and the image of that name (None: the default one)."""


async def examine(settings: DoctorInput, docker: DockerChecks = check_docker) -> Report:
    """Examine everything; takes some seconds at most and changes nothing. Never raises for what it finds."""
    git, bwrap, images, answers = await asyncio.gather(
        _git(), _bwrap(settings.sandbox), docker(settings.image), check_endpoint(settings)
    )
    if settings.sandbox != "docker":
        images = tuple(_optional(check) for check in images)
    checks = (
        _python(),
        git,
        *images,
        bwrap,
        *_unsandboxed(settings.sandbox),
        _address(settings),
        _key(settings),
        *answers,
        _folder("state folder", settings.state_dir, "XDG_STATE_HOME"),
    )
    return Report(ok=all(check.status != "missing" for check in checks), checks=checks)


def render(report: Report) -> str:
    """The report for people, one check a line, its remedy below."""
    width = max((len(check.name) for check in report.checks), default=0)
    lines = []
    for check in report.checks:
        lines.append(f"{check.status:7}  {check.name:{width}}  {one_line(check.detail, 400)}".rstrip())
        if check.remedy:
            lines.append(f"{'':7}  {'':{width}}  -> {one_line(check.remedy, 400)}")
    lines += ["", "Ready." if report.ok else "Not ready: see what is missing above."]
    return "\n".join(lines) + "\n"


def _optional(check: Check) -> Check:
    return check.model_copy(update={"status": "warn"}) if check.status == "missing" else check


def _python() -> Check:
    version = platform.python_version()
    if sys.version_info >= _OLDEST_PYTHON:
        return Check(name="python", status="ok", detail=version)
    wanted = ".".join(map(str, _OLDEST_PYTHON))
    return Check(name="python", status="missing", detail=version, remedy=f"Install Python {wanted} or later.")


async def _git() -> Check:
    done = await _output("git", "--version")
    if done is None:
        return Check(name="git", status="missing", detail="not found", remedy="Install git.")
    found = re.search(r"(\d{1,4})\.(\d{1,4})", done)
    if found and tuple(map(int, found.groups())) >= _OLDEST_GIT:
        return Check(name="git", status="ok", detail=done.removeprefix("git version "))
    remedy = f"Update git to {_OLDEST_GIT[0]}.{_OLDEST_GIT[1]} or later: older ones read configuration they should not."
    return Check(name="git", status="warn", detail=done, remedy=remedy)


async def _bwrap(sandbox: str) -> Check:
    status: Status = "missing" if sandbox == "bwrap" else "warn"
    version = await _output("bwrap", "--version")
    if version is None:
        remedy = "Install bubblewrap, or use --sandbox docker."
        return Check(name="bwrap", status=status, detail="not found", remedy=remedy)
    # Being installed says little: many hosts and containers forbid the namespaces it needs.
    works = await _output("bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "true")
    if works is None:
        remedy = (
            "Allow unprivileged user namespaces (kernel.unprivileged_userns_clone, AppArmor), or use --sandbox docker."
        )
        return Check(
            name="bwrap", status=status, detail=f"{version}, but it may not make namespaces here", remedy=remedy
        )
    return Check(name="bwrap", status="ok", detail=version)


def _unsandboxed(sandbox: str) -> tuple[Check, ...]:
    if sandbox != "none":
        return ()
    remedy = "Use --sandbox docker or --sandbox bwrap."
    return (Check(name="sandbox", status="warn", detail="none: commands run unprotected on this host", remedy=remedy),)


def _address(settings: DoctorInput) -> Check:
    shown, host = _shown(settings.base_url)
    if host:
        return Check(name="endpoint", status="ok", detail=f"{settings.model} at {shown}")
    remedy = "Set --base-url or GLMCODE_BASE_URL to an address such as https://api.z.ai/api/paas/v4."
    return Check(name="endpoint", status="missing", detail=f"not an http address: {shown}", remedy=remedy)


def _shown(base_url: str) -> tuple[str, str]:
    """The address without user information and query, and its host; no host where it is no http address."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(unreadable)", ""
    if parts.scheme not in ("http", "https") or not host:
        return "(unreadable)" if "@" in base_url else base_url.partition("?")[0], ""
    name = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, f"{name}:{port}" if port else name, parts.path, "", "")), host


def _key(settings: DoctorInput) -> Check:
    if settings.has_key:
        return Check(name="API key", status="ok", detail="found")
    if _shown(settings.base_url)[1] and needs_key(settings.base_url):
        remedy = "Set GLMCODE_API_KEY (or ZAI_API_KEY for Z.ai), or try `glmcode demo`, which needs none."
        return Check(name="API key", status="missing", detail="none, and this endpoint wants one", remedy=remedy)
    return Check(name="API key", status="ok", detail="none; a server of your own usually needs none")


async def check_endpoint(settings: DoctorInput) -> tuple[Check, ...]:
    """Whether the endpoint answers, if that is to be asked; sends no key."""
    shown, host = _shown(settings.base_url)
    if not settings.connect or not host:
        return ()
    status, detail = await asyncio.to_thread(_ask, f"{shown.rstrip('/')}/models")
    if status is not None and status < 500:
        return (Check(name="connection", status="ok", detail=f"{host} answers (status {status}, no key sent)"),)
    remedy = "Check the address, the network and its proxy, and whether the server runs."
    return (Check(name="connection", status="missing", detail=f"{host}: {detail}", remedy=remedy),)


def _ask(url: str) -> tuple[int | None, str]:
    """The status that the server answers with, or None and why there is none. Sends no key, follows no redirect."""
    import http.client
    import urllib.error
    import urllib.request

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    request = urllib.request.Request(url, headers={"User-Agent": "glmcode-doctor", "Accept": "application/json"})
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=CONNECT_TIMEOUT_S) as answer:
            return int(answer.status), ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, f"status {error.code}"
    except urllib.error.URLError as error:
        return None, str(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, str(error) or type(error).__name__


def _folder(name: str, folder: Path, variable: str) -> Check:
    """Whether files can be written there; the folder itself may still have to be made."""
    at = folder.absolute()
    while not at.exists() and at != at.parent:
        at = at.parent
    if at.is_dir() and os.access(at, os.W_OK | os.X_OK):
        return Check(name=name, status="ok", detail=str(folder))
    remedy = f"Make it writable, or set {variable} to a folder that is."
    return Check(name=name, status="missing", detail=f"{folder} cannot be written", remedy=remedy)


async def _output(*command: str) -> str | None:
    """What a short command printed, on one line; None where it is missing, fails or hangs."""
    path = shutil.which(command[0])
    if path is None:
        return None
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(path, *command[1:], stdin=nothing, stdout=pipe, stderr=nothing)
    except OSError:
        return None
    try:
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_TIMEOUT_S)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return one_line(output, 200) if process.returncode == 0 else None
