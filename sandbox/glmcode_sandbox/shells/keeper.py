"""Starts one process that keeps all shells of a place: makes new ones, ends them all, and ends with us.

It reads words from its standard input, whose end means that we are gone. `clear`: end every process but yourself and
answer with a line `cleared`. Anything else is a name: start `sh` on the FIFOs NAME.out and NAME.in of the agreed
folder, the first of which is opened first.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.shells import fifo_channel
from glmcode_sandbox.shells.descriptors import DescriptorChannel
from glmcode_sandbox.shells.subprocesses import ProcessChannel, spawn

OPEN_S = 15.0
CLEAR_S = 5.0
CLEARED = b"cleared"


class Keeper:
    """One such process, and the FIFOs through which its shells are reached."""

    def __init__(self, channel: ProcessChannel, folder: Path, owner: tuple[int, int] | None) -> None:
        self._channel = channel
        self._folder = folder
        self._owner = owner
        self._names = map(str, itertools.count(1))
        self._shells: list[DescriptorChannel] = []

    @classmethod
    async def start(
        cls,
        words: Sequence[str],
        folder: Path,
        *,
        env: Mapping[str, str],
        cwd: str,
        pass_fds: Sequence[int] = (),
        run_as: tuple[int, int] | None = None,
        owner: tuple[int, int] | None = None,
    ) -> "Keeper":
        """Start `words`. `folder` is where the FIFOs are made, for `owner` when given. Raises SandboxError."""
        channel = await spawn(words, env=env, cwd=cwd, pass_fds=pass_fds, run_as=run_as)
        return cls(channel, folder, owner)

    @property
    def pid(self) -> int:
        return self._channel.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._channel.running

    async def open(self) -> DescriptorChannel:
        """One more shell. Raises SandboxError."""
        name = next(self._names)
        stem = self._folder / name
        try:
            fifo_channel.make(stem, self._owner)
            await self._channel.write(f"{name}\n".encode())
            shell = await fifo_channel.connect(stem, lambda: self._channel.running, OPEN_S)
        except TimeoutError as error:
            raise SandboxError("the sandbox starts no more shells") from error
        except OSError as error:
            raise SandboxError(f"the sandbox's shell ended at its start: {await self._last_words()}") from error
        self._shells = [*(each for each in self._shells if each.open), shell]
        return shell

    async def clear(self) -> bool:
        """End every other process there; False where it does not answer any more."""
        try:
            async with asyncio.timeout(CLEAR_S):
                await self._channel.write(b"clear\n")
                answer = b""
                while CLEARED not in answer:
                    if not (piece := await self._channel.read()):
                        return False
                    answer = answer[-len(CLEARED) :] + piece
        except (TimeoutError, OSError):
            return False
        return True

    async def close(self) -> None:
        """End it at once; what it kept is for the place. Never raises."""
        await self._channel.close()
        for shell in self._shells:
            await shell.close()

    async def _last_words(self) -> str:
        words = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while piece := await self._channel.read():
                    words += piece
        return one_line(words, 200)
