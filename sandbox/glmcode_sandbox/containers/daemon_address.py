"""Where the Docker daemon is, and what to tell people when it or an image is missing."""

import os
from pathlib import Path

DEFAULT_IMAGE = "glmcode-sandbox:default"

_DEFAULT_SOCKET = "/var/run/docker.sock"
_OTHERWISE = "or use --sandbox bwrap"


def endpoint() -> str:
    """The daemon's address: DOCKER_HOST, the system's socket, or the rootless one where only that exists."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    rootless = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"), "docker.sock")
    if not Path(_DEFAULT_SOCKET).exists() and rootless.exists():
        return f"unix://{rootless}"
    return f"unix://{_DEFAULT_SOCKET}"


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
