"""Which image the sandbox runs: the one asked for, the repository's own, or the default; and layers on top of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glmcode.config import Settings
from glmcode_sandbox.base import NetworkMode, SandboxKind
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE

if TYPE_CHECKING:
    from glmcode.places.devcontainers import Ask
    from glmcode_sandbox.images.setup_plan import SetupPlan

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ImageChoice:
    """An image, and why it is this one."""

    image: str | None
    """None: the daemon's default one."""
    why: str

    @property
    def line(self) -> str:
        """One line for people."""
        return one_line(f"image {self.image or DEFAULT_IMAGE}: {self.why}", 300)


async def resolve_image(
    settings: Settings, repo: Path, say: Say, *, build: bool = True, ask: "Ask | None" = None
) -> str | None:
    """The image for this repository; None where no image is used or the default one is. Says which and why.

    Without `build` only what has been made before is taken, and nothing is said. `ask` puts questions to a person; see
    `choose_image`, also for what is raised.
    """
    if settings.sandbox != "docker":
        return None
    choice = await choose_image(settings, repo, say, build=build, ask=ask)
    if build:
        say(choice.line)
    return choice.image


async def choose_image(
    settings: Settings, repo: Path, say: Say, *, build: bool = True, ask: "Ask | None" = None
) -> ImageChoice:
    """The configured image, else the one of the repository's devcontainer.json, else the default; with a setup layer.

    A layer that was made before is used. One is made now when the user configured its commands or said --yes;
    otherwise the commands are shown. Raises SetupError, NoSandboxError, SandboxError.
    """
    base, is_set_up = ImageChoice(settings.image, "as configured"), False
    if settings.image is None:
        base = ImageChoice(None, "the default image")
        if _may_have_devcontainer(repo):
            from glmcode.places.devcontainers import devcontainer_image

            chosen = await devcontainer_image(settings, repo, say, build=build, ask=ask)
            base = ImageChoice(None, "the default image, since the repository's devcontainer.json gives none")
            if chosen is not None:
                base, is_set_up = ImageChoice(chosen.image, f"from {chosen.file}"), chosen.is_set_up
    if is_set_up and settings.setup is None:
        return base
    layer = await _setup_layer(settings, repo, base.image, say, build)
    return base if layer is None else ImageChoice(layer, f"{base.why}, with the repository's dependencies")


def _may_have_devcontainer(repo: Path) -> bool:
    """Without importing anything: most repositories have none."""
    return (repo / ".devcontainer").exists() or (repo / ".devcontainer.json").exists()


async def _setup_layer(settings: Settings, repo: Path, image: str | None, say: Say, build: bool) -> str | None:
    """The layer with the dependencies on top of `image`; None where there is nothing to install, or nobody said so."""
    plan = setup_plan(settings, repo)
    if not plan.steps:
        return None
    from glmcode_sandbox.images.setup import SetupError, ensure_setup, find_setup

    base = image or DEFAULT_IMAGE
    if (found := await asyncio.to_thread(find_setup, plan, repo=repo, base_image=base)) is not None:
        return found
    if not build:
        return None
    if settings.offline:
        say("this repository's dependencies are not in the image, and --offline installs nothing; do it once without")
        return None
    if settings.setup is None and not settings.yes:
        say("this repository's dependencies are not in the image; --yes would run once, with the network:")
        for command in plan.commands:
            say(f"  {command}")
        return None
    try:
        return await ensure_setup(plan, repo=repo, base_image=base, on_line=say)
    except SetupError as error:
        if settings.setup is not None:
            raise
        say(f"going on without the repository's dependencies: {error}")
        return None


def setup_plan(settings: Settings, repo: Path) -> "SetupPlan":
    """The configured commands, or what the repository's lock and project files ask for."""
    from glmcode_sandbox.images.setup_plan import commands_plan, detect_setup

    return detect_setup(repo) if settings.setup is None else commands_plan(settings.setup)


def describe_sandbox(kind: SandboxKind, network: NetworkMode, image: str | None, runtime: str | None = None) -> str:
    """One line for people and for the model: what commands run in."""
    match kind:
        case "docker":
            chosen = f", runtime {runtime}" if runtime else ""
            return f"docker (image {image or DEFAULT_IMAGE}, network {network}{chosen})"
        case "bwrap":
            return f"bwrap (this machine's /usr, network {network})"
        case "none":
            return "none (commands run on this machine)"
