"""Which image the sandbox runs: the one asked for, or a layer with the repository's dependencies on top of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from glmcode.config import Settings
from glmcode_sandbox.base import NetworkMode, SandboxKind
from glmcode_sandbox.daemon_address import DEFAULT_IMAGE

if TYPE_CHECKING:
    from glmcode_sandbox.setup_plan import SetupPlan

Say = Callable[[str], None]


async def resolve_image(settings: Settings, repo: Path, say: Say, *, build: bool = True) -> str | None:
    """The image for this repository; None where no image is used or the default one is.

    A layer that was made before is used. One is made now when the user configured its commands or said --yes;
    otherwise the commands are shown. Raises SetupError, NoSandboxError, SandboxError.
    """
    if settings.sandbox != "docker":
        return None
    plan = setup_plan(settings, repo)
    if not plan.steps:
        return settings.image
    from glmcode_sandbox.setup import SetupError, ensure_setup, find_setup

    base = settings.image or DEFAULT_IMAGE
    if (found := await asyncio.to_thread(find_setup, plan, repo=repo, base_image=base)) is not None:
        return found
    if not build:
        return settings.image
    if settings.setup is None and not settings.yes:
        say("this repository's dependencies are not in the image; --yes would run once, with the network:")
        for command in plan.commands:
            say(f"  {command}")
        return settings.image
    try:
        return await ensure_setup(plan, repo=repo, base_image=base, on_line=say)
    except SetupError as error:
        if settings.setup is not None:
            raise
        say(f"going on without the repository's dependencies: {error}")
        return settings.image


def setup_plan(settings: Settings, repo: Path) -> "SetupPlan":
    """The configured commands, or what the repository's lock and project files ask for."""
    from glmcode_sandbox.setup_plan import commands_plan, detect_setup

    return detect_setup(repo) if settings.setup is None else commands_plan(settings.setup)


def describe_sandbox(kind: SandboxKind, network: NetworkMode, image: str | None) -> str:
    """One line for people and for the model: what commands run in."""
    match kind:
        case "docker":
            return f"docker (image {image or DEFAULT_IMAGE}, network {network})"
        case "bwrap":
            return f"bwrap (this machine's /usr, network {network})"
        case "none":
            return "none (commands run on this machine)"
