"""`glmcode sandbox build`: the sandbox image, and the layer with the repository's dependencies."""

import argparse
from pathlib import Path

from glmcode.cli.settings import ask_on_terminal, say, settings_of
from glmcode.config import ConfigError, Settings
from glmcode.exit_codes import ExitCode
from glmcode.places.images import resolve_image
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE
from glmcode_sandbox.image import ImageSource, build_image
from glmcode_sandbox.workspace import WorkspaceError, find_repository


async def build(options: argparse.Namespace) -> int:
    """Build it and say what came out. Raises ConfigError, SandboxError."""
    rootfs: Path | None = options.from_rootfs
    if rootfs is not None and not rootfs.is_file():
        raise ConfigError(f"--from-rootfs {rootfs}: no such file")
    settings = settings_of(options)
    if settings.offline and not (options.from_host or rootfs):
        raise ConfigError("--offline: the image would come from a registry; use --from-host or --from-rootfs TAR")
    source: ImageSource = "host" if options.from_host else "rootfs" if rootfs else "registry"
    tag = options.image or DEFAULT_IMAGE
    built = await build_image(source, rootfs=rootfs, tag=tag, make_default=True, on_line=say)
    say(f"{built.tag}: {built.size_bytes / 1e6:.1f} MB in {built.seconds:.1f} s; the default image from now on")
    for folder in built.host_mounts:
        say(f"mounted read-only from this host: {folder}")
    await _layers(options, settings)
    return ExitCode.DONE


async def _layers(options: argparse.Namespace, settings: Settings) -> None:
    """In a repository: what it needs on top, or an image of its own; made with a yes, else what it takes is shown."""
    try:
        repo = find_repository(options.repo or Path.cwd())
    except WorkspaceError:
        return
    await resolve_image(settings.model_copy(update={"sandbox": "docker"}), repo, say, ask=ask_on_terminal())
