"""Asks the Docker daemon whether it is there and has an image, in milliseconds and without the docker package.

The command line does this before its first model request; the docker package takes longer to import.
"""

import http.client
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

DEFAULT_IMAGE = "glmcode-sandbox:default"
PROBE_TIMEOUT_S = 5.0

_DEFAULT_SOCKET = "/var/run/docker.sock"
_OTHERWISE = "or use --sandbox bwrap"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the daemon said."""

    endpoint: str
    daemon: bool
    """Whether it answers."""
    image: bool
    """Whether it has the image."""
    problem: str | None
    """None when all is there; else what is missing and what to do about it."""
    image_id: str | None = None
    """What the name stands for now; None where it is missing, or the daemon was asked through the docker package."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=PROBE_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PROBE_TIMEOUT_S)
        self.sock.connect(self._path)


def endpoint() -> str:
    """The daemon's address: DOCKER_HOST, the system's socket, or the rootless one where only that exists."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    rootless = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"), "docker.sock")
    if not Path(_DEFAULT_SOCKET).exists() and rootless.exists():
        return f"unix://{rootless}"
    return f"unix://{_DEFAULT_SOCKET}"


def probe_daemon(image: str = DEFAULT_IMAGE) -> ProbeResult:
    """Ask. Blocks for a few milliseconds, five seconds at most; never raises for a daemon that is not there."""
    address = endpoint()
    if not address.startswith("unix://"):
        return _probe_with_package(address, image)
    path = address.removeprefix("unix://")
    connection = _UnixConnection(path)
    try:
        connection.request("GET", f"/images/{quote(image, safe='/:@')}/json")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        return ProbeResult(address, False, False, no_daemon(address, error))
    finally:
        connection.close()
    match response.status:
        case 200:
            return ProbeResult(address, True, True, None, _id(body))
        case 404:
            return ProbeResult(address, True, False, no_image(image))
        case status:
            return ProbeResult(address, True, False, f"the Docker daemon refused with {status}: {_message(body)}")


def no_daemon(address: str, error: BaseException) -> str:
    """What to tell when the daemon cannot be reached."""
    if isinstance(error, PermissionError):
        return (
            f"you may not use the Docker daemon at {address}: `sudo usermod -aG docker $USER` and log in again,"
            f" {_OTHERWISE}"
        )
    return f"no Docker daemon answers at {address}: start it (`sudo systemctl start docker`), {_OTHERWISE}"


def no_image(image: str) -> str:
    """What to tell when the image is missing."""
    return (
        f"the sandbox image {image} is not there: run `glmcode sandbox build`, or `glmcode sandbox build --from-host`"
        " where no registry can be reached"
    )


def _probe_with_package(address: str, image: str) -> ProbeResult:
    from glmcode_sandbox.docker_api import connect, lacks_image

    try:
        api = connect()
    except Exception as error:  # the package raises many kinds of its own for one thing: nobody there
        return ProbeResult(address, False, False, no_daemon(address, error))
    try:
        missing = lacks_image(api, image)
        return ProbeResult(address, True, not missing, no_image(image) if missing else None)
    finally:
        api.close()


def _id(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["Id"])
    except (ValueError, KeyError, TypeError):
        return None


def _message(body: bytes) -> str:
    from glmcode_sandbox.clean import one_line

    try:
        return one_line(str(json.loads(body)["message"]), 200)
    except (ValueError, KeyError, TypeError):
        return one_line(body, 200)
