"""The sandbox made by Docker: one hardened container a session, one long-lived shell in it."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from glmcode_sandbox.base import Limits, Mount, NetworkMode, SandboxKind
from glmcode_sandbox.containers.container import DockerPlace
from glmcode_sandbox.containers.container_plan import ContainerPlan
from glmcode_sandbox.containers.daemon_address import DEFAULT_IMAGE
from glmcode_sandbox.posix import PosixSandbox
from glmcode_sandbox.shells.growth import Growth, written_folders
from glmcode_sandbox.shells.shell import Shell


class DockerSandbox(PosixSandbox):
    """Commands run as the owner of the workspace, without capabilities, in a container that sees only the mounts."""

    def __init__(
        self,
        mounts: Sequence[Mount],
        workdir: str,
        *,
        image: str = DEFAULT_IMAGE,
        owner: tuple[int, int] | None = None,
        network: NetworkMode = "none",
        limits: Limits | None = None,
        spill_dir: Path | None = None,
        env: Mapping[str, str] | None = None,
        runtime: str | None = None,
    ) -> None:
        """`owner`: uid and gid that commands run as. `mounts` may lie inside each other and below /tmp. `runtime`: one
        that the daemon knows by this name; None: its own choice."""
        limits = limits or Limits()
        owner = owner or (os.getuid(), os.getgid())
        self._image, self._network, self._runtime = image, network, runtime
        self._place = DockerPlace(ContainerPlan(image, tuple(mounts), owner, network, limits, env or {}, runtime))
        self._reaping: asyncio.Task[None] | None = None
        growth = Growth(lambda: written_folders(mounts), limits)
        super().__init__(Shell(self._place, workdir, limits=limits, growth=growth, spill_dir=spill_dir), workdir)

    @property
    def kind(self) -> SandboxKind:
        return "docker"

    @property
    def description(self) -> str:
        runtime = f", runtime {self._runtime}" if self._runtime else ""
        return f"docker (image {self._image}, network {self._network}{runtime})"

    async def _begin(self) -> None:
        await self._place.make()
        await super()._begin()
        self._reaping = asyncio.create_task(self._place.reap())

    async def _end(self) -> None:
        if self._reaping is not None:
            await asyncio.wait([self._reaping])
        await self._place.end()
