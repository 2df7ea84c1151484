"""Setup layers: what a repository's tests need, installed once into an image of its own on top of the base image."""

import asyncio
import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from glmcode_sandbox.containers.daemon import probe_daemon
from glmcode_sandbox.containers.docker_api import connect, told
from glmcode_sandbox.images.registry_settings import registry_settings
from glmcode_sandbox.images.setup_container import REPO_LABEL, LineSink, SetupContainer, SetupError, repo_mark
from glmcode_sandbox.images.setup_plan import SetupPlan, SetupStep, commands_plan, detect_setup
from glmcode_sandbox.workspace import open_workspace

__all__ = ["SetupError", "SetupPlan", "SetupStep", "commands_plan", "detect_setup", "ensure_setup", "find_setup"]

SETUP_TIMEOUT_S = 1800.0

_REPOSITORY = "glmcode-setup"
_LAYOUT = 1
_KEPT_LAYERS = 3
_API_TIMEOUT_S = 900


async def ensure_setup(
    plan: SetupPlan,
    *,
    repo: Path,
    base_image: str,
    on_line: LineSink,
    timeout_s: float = SETUP_TIMEOUT_S,
) -> str:
    """The tag of the image with `plan` carried out; made now, or found if nothing it depends on has changed.

    The commands run as root in a container of `base_image` with the host's network, on a copy of `repo` at the same
    path. They run the repository's code with this machine's access to package registries (proxies, pip's settings),
    so ask before a stranger's repository gets that far; no key of a model is there. Nothing of that access stays in
    the image. `on_line` receives cleaned lines. Raises SetupError, SandboxError, WorkspaceError.
    """
    if not plan.steps:
        return base_image
    with told(base_image):
        api = await asyncio.to_thread(_connect)
    try:
        with told(base_image):
            base = await asyncio.to_thread(api.inspect_image, base_image)
        tag = await asyncio.to_thread(_tag, plan, repo, str(base["Id"]))
        with told(base_image):
            if await asyncio.to_thread(_exists, api, tag):
                return tag
        with tempfile.TemporaryDirectory(prefix="glmcode-setup-") as scratch:
            async with await open_workspace(repo, "isolated", state_dir=Path(scratch)) as workspace:
                owner = (os.geteuid(), os.getegid())
                build = SetupContainer(
                    api, base, registry_settings(), workspace.mounts, workspace.path, on_line, owner=owner
                )
                await build.run(plan, tag, timeout_s)
        await asyncio.to_thread(_forget_older, api, workspace.path, tag)
        return tag
    finally:
        api.close()


def find_setup(plan: SetupPlan, *, repo: Path, base_image: str) -> str | None:
    """The tag of the layer if it has been made for exactly this; asks the daemon's socket alone, in milliseconds."""
    base = probe_daemon(base_image).image_id
    if base is None:
        return None
    tag = _tag(plan, repo, base)
    return tag if probe_daemon(tag).image else None


def _tag(plan: SetupPlan, repo: Path, base_id: str) -> str:
    return f"{_REPOSITORY}:{_key(plan, repo, base_id)}"


def _connect() -> Any:
    api = connect()
    api.timeout = _API_TIMEOUT_S
    return api


def _exists(api: Any, tag: str) -> bool:
    return bool(api.images(name=tag, quiet=True))


def _key(plan: SetupPlan, repo: Path, base: str) -> str:
    """What the layer depends on: editable installs point to a path, so the path is part of it."""
    contents = [(name, hashlib.sha256(_bytes(repo / name)).hexdigest()) for name in plan.files]
    steps = [(step.command, step.needs) for step in plan.steps]
    parts = [_LAYOUT, base, str(repo.resolve()), steps, plan.environment, contents]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


def _forget_older(api: Any, path: str, tag: str) -> None:
    """Remove the older layers of the same repository but the newest few; one that is in use stays."""
    from docker.errors import APIError

    found = api.images(filters={"label": f"{REPO_LABEL}={repo_mark(path)}"})
    others = [image for image in found if tag not in (image["RepoTags"] or ())]
    for image in sorted(others, key=lambda image: -int(image["Created"]))[_KEPT_LAYERS - 1 :]:
        with suppress(APIError):
            api.remove_image(image["Id"])
