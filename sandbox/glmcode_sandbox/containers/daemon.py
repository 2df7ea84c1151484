"""Asks the Docker daemon whether it is there and has an image, in milliseconds and without the docker package.

The command line does this before its first model request; the docker package takes longer to import.
"""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import quote

from glmcode_sandbox.clean import one_line
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE, endpoint, no_daemon, no_image
from glmcode_sandbox.containers.daemon_socket import UnixConnection
from glmcode_sandbox.containers.docker_api import connect, lacks_image

PROBE_TIMEOUT_S = 5.0


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


def probe_daemon(image: str = DEFAULT_IMAGE) -> ProbeResult:
    """Ask. Blocks for a few milliseconds, five seconds at most; never raises for a daemon that is not there."""
    address = endpoint()
    if not address.startswith("unix://"):
        return _probe_with_package(address, image)
    path = address.removeprefix("unix://")
    connection = UnixConnection(path, PROBE_TIMEOUT_S)
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


def _probe_with_package(address: str, image: str) -> ProbeResult:
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
    try:
        return one_line(str(json.loads(body)["message"]), 200)
    except (ValueError, KeyError, TypeError):
        return one_line(body, 200)
