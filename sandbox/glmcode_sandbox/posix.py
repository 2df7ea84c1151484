"""The part of a sandbox that is the same for docker, bubblewrap and none: commands and files through one `Shell`."""

import asyncio
from typing import Unpack

from glmcode_sandbox import files
from glmcode_sandbox.base import (
    ExecResult,
    ExecSettings,
    Jobs,
    SandboxError,
    SandboxKind,
)
from glmcode_sandbox.shells.shell import Shell


class PosixSandbox:
    """Base of the three; they bring the place, and what to do at the start and at the end."""

    def __init__(self, shell: Shell, workdir: str) -> None:
        self._workdir = workdir
        self._shell = shell
        self._started: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def kind(self) -> SandboxKind:
        raise NotImplementedError

    @property
    def description(self) -> str:
        raise NotImplementedError

    @property
    def workdir(self) -> str:
        return self._workdir

    async def start(self) -> None:
        """See `Sandbox.start`. Cancelled in the middle, it leaves nothing behind."""
        if self._closed:
            raise SandboxError("this sandbox is closed; open a new one")
        if self._started is None:
            self._started = asyncio.create_task(self._begin())
        try:
            await asyncio.shield(self._started)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.create_task(self.close()))
            raise
        except BaseException:
            self._started = None
            raise

    async def exec(self, command: str, **settings: Unpack[ExecSettings]) -> ExecResult:
        """See `Sandbox.exec`."""
        if self._closed:
            raise SandboxError("this sandbox is closed; open a new one")
        await self.start()
        return await self._shell.exec(command, **settings)

    async def jobs(self) -> Jobs:
        """See `Sandbox.jobs`."""
        if self._closed:
            raise SandboxError("this sandbox is closed; open a new one")
        await self.start()
        return self._shell.jobs

    async def read_file(self, path: str, *, max_bytes: int) -> bytes:
        """See `Sandbox.read_file`."""
        try:
            return await files.read_file(self, self._workdir, path, max_bytes=max_bytes)
        except SandboxError:
            await self._reset()
            return await files.read_file(self, self._workdir, path, max_bytes=max_bytes)

    async def write_file(self, path: str, data: bytes) -> None:
        """See `Sandbox.write_file`."""
        try:
            await files.write_file(self, self._workdir, path, data)
        except SandboxError:
            await self._reset()
            await files.write_file(self, self._workdir, path, data)

    async def close(self) -> None:
        """See `Sandbox.close`."""
        self._closed = True
        if self._started is not None:
            await asyncio.wait([self._started])
            if not self._started.cancelled():
                # Looked at, so that a failure nobody awaited any more is not reported as forgotten.
                self._started.exception()
        await self._shell.close()
        await self._end()

    async def _reset(self) -> None:
        if self._closed:
            raise SandboxError("this sandbox is closed; open a new one")
        await self._shell.reset()

    async def _begin(self) -> None:
        """Make the place and open the shell. Raises NoSandboxError or SandboxError."""
        await self._shell.open()

    async def _end(self) -> None:
        """End everything there. Never raises."""
