"""A channel to a shell that runs as a child process of ours, for bubblewrap and for no sandbox."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from glmcode_sandbox.base import SandboxError

_CHUNK = 256 * 1024


class ProcessChannel:
    """The pipes of one child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def read(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.read(_CHUNK)

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def alive(self) -> bool:
        return self.running

    async def close(self) -> None:
        """Kill the process and wait for it; its children are for the place to end."""
        # Not through `Process.kill`: it polls first, and reaps a child that asyncio's watcher then misses.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        # Children may hold the pipe open, so wait for the process alone.
        while self._process.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        transport = self._process._transport  # type: ignore[attr-defined]  # the only way to let go of the pipes
        transport.close()


async def spawn(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | None = None,
    pass_fds: Sequence[int] = (),
    run_as: tuple[int, int] | None = None,
) -> ProcessChannel:
    """Start `words` with pipes, error output merged, in a session of its own; as (uid, gid) when we are root.

    Raises SandboxError.
    """
    user, group = run_as or (None, None)
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if run_as is None else (),
            limit=4 * _CHUNK,
        )
    except OSError as error:
        raise SandboxError(f"{words[0]} cannot be started: {error.strerror}") from error
    return ProcessChannel(process)
