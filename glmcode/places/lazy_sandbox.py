"""A sandbox that starts while the model thinks, so that the first request does not wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Unpack

from glmcode_sandbox.base import (
    ExecResult,
    ExecSettings,
    Jobs,
    Sandbox,
    SandboxError,
    SandboxKind,
)


class LazySandbox:
    """Stands for a sandbox that `make` makes: `begin` does so in the background, the first use waits until it is ready.

    A start that fails raises its SandboxError at that first use.
    """

    def __init__(
        self, make: Callable[[], Awaitable[Sandbox]], *, kind: SandboxKind, workdir: str, description: str
    ) -> None:
        self._make = make
        self._kind = kind
        self._workdir = workdir
        self._description = description
        self._starting: asyncio.Task[Sandbox] | None = None
        self.on_write: Callable[[str, bytes], None] = lambda path, data: None
        """Called with each file that a tool wrote, and its content."""

    @property
    def kind(self) -> SandboxKind:
        return self._kind

    @property
    def workdir(self) -> str:
        return self._workdir

    @property
    def description(self) -> str:
        return self._description

    def begin(self) -> None:
        """Start in the background; harmless when it has begun."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._made())

    async def _made(self) -> Sandbox:
        sandbox = await self._make()
        try:
            await sandbox.start()
        except BaseException:
            await sandbox.close()
            raise
        return sandbox

    async def start(self) -> None:
        await self._ready()

    async def _ready(self) -> Sandbox:
        self.begin()
        assert self._starting is not None
        # Shielded: a cancelled command must not leave a half-made container behind.
        return await asyncio.shield(self._starting)

    async def exec(self, command: str, **settings: Unpack[ExecSettings]) -> ExecResult:
        return await (await self._ready()).exec(command, **settings)

    async def jobs(self) -> Jobs:
        return await (await self._ready()).jobs()

    async def read_file(self, path: str, *, max_bytes: int) -> bytes:
        sandbox = await self._ready()
        return await sandbox.read_file(path, max_bytes=max_bytes)

    async def write_file(self, path: str, data: bytes) -> None:
        sandbox = await self._ready()
        await sandbox.write_file(path, data)
        self.on_write(path, data)

    async def close(self) -> None:
        """End it; the next use starts another."""
        starting, self._starting = self._starting, None
        if starting is None:
            return
        try:
            sandbox = await starting
        except SandboxError:
            return  # it was told at the first use, or nobody ever used it
        await sandbox.close()
