"""Chooses and makes a sandbox by its kind, and asks beforehand whether that kind works here."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from glmcode_sandbox.base import Limits, Mount, NetworkMode, NoSandboxError, Sandbox, SandboxKind
from glmcode_sandbox.containers.daemon import probe_daemon
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE


async def open_sandbox(
    kind: SandboxKind,
    *,
    mounts: Sequence[Mount],
    workdir: str,
    owner: tuple[int, int],
    image: str | None = None,
    network: NetworkMode = "none",
    limits: Limits | None = None,
    spill_dir: Path | None = None,
    env: Mapping[str, str] | None = None,
    runtime: str | None = None,
) -> Sandbox:
    """A sandbox of this kind, not started yet.

    `owner` is uid and gid of the workspace's folder. `workdir` is the workspace inside (for `none` a folder of
    the host). `image` and `runtime` (one that the daemon knows by this name) are for docker only, and so are mounts
    with an overlay. Heavy packages are imported here, in a thread.
    """
    if kind != "docker" and any(mount.overlay for mount in mounts):
        raise ValueError(f"a sandbox of kind {kind} cannot mount an overlay")

    def make() -> Sandbox:
        settings = _Settings(
            mounts=tuple(mounts),
            workdir=workdir,
            owner=owner,
            network=network,
            limits=limits or Limits(),
            spill_dir=spill_dir,
            env=env,
        )
        return _make(kind, settings, image or DEFAULT_IMAGE, runtime)

    return await asyncio.to_thread(make)


class _Settings(TypedDict):
    """What all kinds take."""

    mounts: tuple[Mount, ...]
    workdir: str
    owner: tuple[int, int]
    network: NetworkMode
    limits: Limits
    spill_dir: Path | None
    env: Mapping[str, str] | None


def _make(kind: SandboxKind, settings: _Settings, image: str, runtime: str | None) -> Sandbox:
    match kind:
        case "docker":
            import docker  # noqa: F401  # here, off the event loop, rather than in the first start()

            from glmcode_sandbox.docker import DockerSandbox

            return DockerSandbox(**settings, image=image, runtime=runtime)
        case "bwrap":
            from glmcode_sandbox.bwrap import BwrapSandbox

            return BwrapSandbox(**settings)
        case "none":
            from glmcode_sandbox.local import LocalSandbox

            return LocalSandbox(**settings)


async def probe(kind: SandboxKind, image: str | None = None) -> None:
    """Whether a sandbox of this kind can be made here. Raises NoSandboxError with the remedy."""
    match kind:
        case "docker":
            result = await asyncio.to_thread(probe_daemon, image or DEFAULT_IMAGE)
            if result.problem is not None:
                raise NoSandboxError(result.problem)
        case "bwrap":
            from glmcode_sandbox.bwrap import probe_bwrap

            await probe_bwrap()
        case "none":
            return
