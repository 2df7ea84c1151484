"""What layers need of the Docker daemon besides containers: whether it can mount them, and clearing them away."""

import http.client
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from glmcode_sandbox.base import Mount, SandboxError
from glmcode_sandbox.containers import reaper
from glmcode_sandbox.containers.container_plan import host_mounts
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE, endpoint
from glmcode_sandbox.containers.daemon_socket import ask
from glmcode_sandbox.workspaces.overlay import DOOMED, cannot_overlay, make_overlay, volume_options

_TIMEOUT_S = 20.0
_KEPT_ANSWERS = 50
_TRY = "cd -- {0} && rm gone && rm -r folder && mkdir folder && echo new >folder/new"


class _Refused(Exception):
    """The daemon did not do it; the text is its own."""


def overlay_problem(top: Path, state_dir: Path, *, image: str | None = None, answers: Path) -> str | None:
    """Why isolated workspaces of the repository `top` below `state_dir` have to be copies; None: layers work.

    `answers` is a file that remembers what a daemon was seen to do with a file system, so that it is tried in a
    container of `image` only once. Blocks, for milliseconds where it is remembered.
    """
    path = _socket()
    if path is None:
        return "the Docker daemon is not on this machine"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if problem := cannot_overlay(top, state_dir.resolve()):
            return problem
        key = _key(path, state_dir, top)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    known = _read(answers)
    if key not in known:
        try:
            known[key] = _try(path, image or DEFAULT_IMAGE, state_dir.resolve())
        except (OSError, http.client.HTTPException, SandboxError) as error:
            return f"it could not be tried: {error}"
        _write(answers, known)
    return known[key] or None


def remove_volume(name: str) -> None:
    """Remove a volume if it is there and unused. Blocks; never raises."""
    path = _socket()
    if path is not None:
        with suppress(OSError, http.client.HTTPException):
            ask(path, "DELETE", f"/volumes/{quote(name)}", timeout_s=_TIMEOUT_S)


def is_mounted(volume: str) -> bool:
    """Whether a container has the volume mounted now. Blocks."""
    path = _socket()
    if path is None:
        return False
    filters = quote(json.dumps({"volume": [volume], "status": ["running", "paused"]}))
    try:
        status, found = ask(path, "GET", f"/containers/json?filters={filters}", timeout_s=_TIMEOUT_S)
    except (OSError, http.client.HTTPException):
        return False
    return status == 200 and bool(found)


def sweep(folder: Path, image: str | None) -> None:
    """Remove what is doomed in `folder` as root, as which the kernel leaves things. Blocks; never raises."""
    path = _socket()
    if path is None or not any(folder.glob(f"{DOOMED}*")):
        return
    words = ["sh", "-c", f"cd /sweep && rm -rf -- {DOOMED}*"]
    with suppress(OSError, http.client.HTTPException, SandboxError, _Refused):
        mounts = [{"Type": "bind", "Source": str(folder), "Target": "/sweep"}]
        _run(path, image or DEFAULT_IMAGE, words, mounts, "0:0", ("DAC_OVERRIDE", "FOWNER"))


def _socket() -> str | None:
    address = endpoint()
    return address.removeprefix("unix://") if address.startswith("unix://") and sys.platform == "linux" else None


def _key(path: str, state_dir: Path, top: Path) -> str:
    """This daemon, since it started, and these file systems."""
    daemon = Path(path).stat()
    parts = (path, daemon.st_ino, daemon.st_ctime_ns, state_dir.stat().st_dev, top.stat().st_dev, os.geteuid())
    return " ".join(map(str, parts))


def _try(path: str, image: str, state_dir: Path) -> str:
    """Really mount a layer and change something in it; empty, or what went wrong."""
    folder = Path(tempfile.mkdtemp(prefix=f"{DOOMED}probe-", dir=state_dir))
    lower = folder / "lower"
    (lower / "folder").mkdir(parents=True)
    (lower / "gone").touch()
    (lower / "folder" / "old").touch()
    overlay = make_overlay(lower, folder)
    volume = {"Name": "local", "Options": volume_options(lower, overlay)}
    mount: dict[str, Any] = {"Type": "volume", "Source": overlay.volume, "Target": "/probe"}
    mount["VolumeOptions"] = {"NoCopy": True, "Labels": reaper.labels(), "DriverConfig": volume}
    try:
        _run(path, image, ["sh", "-c", _TRY.format("/probe")], [mount], f"{os.geteuid()}:{os.getegid()}", ())
        return _judge(overlay.upper)
    except _Refused as error:
        return f"the Docker daemon cannot mount a layer: {error}"
    finally:
        remove_volume(overlay.volume)
        shutil.rmtree(folder, ignore_errors=True)
        sweep(state_dir, image)


def _judge(upper: Path) -> str:
    try:
        gone = (upper / "gone").lstat()
        new = (upper / "folder" / "new").lstat()
        opaque = os.getxattr(upper / "folder", "user.overlay.opaque")
    except OSError as error:
        return f"what a container changed does not show on this machine: {error.strerror}"
    if not stat.S_ISCHR(gone.st_mode) or gone.st_rdev or new.st_uid != os.geteuid() or opaque != b"y":
        return "what a container changed looks otherwise on this machine"
    return ""


def _run(
    path: str, image: str, words: Sequence[str], mounts: list[Any], user: str, capabilities: Sequence[str]
) -> None:
    """Run a program in a container of its own to its end. Raises _Refused, SandboxError, OSError."""
    _, shown = ask(path, "GET", f"/images/{quote(image, safe='/:@')}/json", timeout_s=_TIMEOUT_S)
    marks = ((shown or {}).get("Config") or {}).get("Labels") or {}
    borrowed = [Mount(folder, str(folder), read_only=True) for folder in host_mounts(marks)]
    binds = [{"Type": "bind", "Source": str(m.source), "Target": m.target, "ReadOnly": True} for m in borrowed]
    body = {
        "Image": image,
        "Entrypoint": list(words),
        "User": user,
        "Labels": reaper.labels(),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "Mounts": [*binds, *mounts],
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "CapAdd": list(capabilities),
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": True,
        },
    }
    made = _asked(path, "POST", "/containers/create", body)["Id"]
    try:
        _asked(path, "POST", f"/containers/{made}/start")
        code = _asked(path, "POST", f"/containers/{made}/wait")["StatusCode"]
    finally:
        ask(path, "DELETE", f"/containers/{made}?force=1&v=1", timeout_s=_TIMEOUT_S)
    if code != 0:
        raise _Refused(f"exit code {code}")


def _asked(path: str, method: str, target: str, body: Any = None) -> Any:
    status, answer = ask(path, method, target, body, timeout_s=_TIMEOUT_S)
    if status >= 400:
        raise _Refused(str((answer or {}).get("message", status))[:300])
    return answer


def _read(answers: Path) -> dict[str, str]:
    try:
        known = json.loads(answers.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(answers: Path, known: dict[str, str]) -> None:
    newest = dict(list(known.items())[-_KEPT_ANSWERS:])
    with suppress(OSError):
        answers.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = answers.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(newest), encoding="utf-8")
        temporary.replace(answers)
