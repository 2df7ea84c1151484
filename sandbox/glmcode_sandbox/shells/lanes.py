"""The lanes of a shell: one, and a second once commands follow each other so fast that the first is not ready again."""

import asyncio
import contextlib

from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.shells.lane import Lane
from glmcode_sandbox.shells.place import Place

_HURRIES = 3
"""So often a command came before the shell for it was ready, until a second lane is opened."""


class Lanes:
    """Opens, chooses and closes them. What they run is not known here."""

    def __init__(self, place: Place, *, file_bytes: int | None, pids: int | None) -> None:
        """The limits are those of `first_lines`."""
        self._place = place
        self._file_bytes = file_bytes
        self._pids = pids
        self._free: list[Lane] = []
        self._hurries = 0
        self._opening: asyncio.Task[None] | None = None

    async def take(self) -> Lane:
        """The lane for the next command; it stays ours until `give_up`. Raises SandboxError."""
        for lane in [each for each in self._free if not each.usable]:
            self._free.remove(lane)
            await lane.close()
        if not self._free:
            self._free.append(await self._open())
        if not any(lane.ready for lane in self._free):
            self._hurries += 1
            if self._hurries == _HURRIES:
                self._opening = asyncio.create_task(self._open_second())
        # The last one used is the last here.
        lane = next((each for each in self._free if each.ready), self._free[0])
        self._free.remove(lane)
        self._free.append(lane)
        return lane

    def holds(self, lane: Lane) -> bool:
        """Whether it is still ours."""
        return lane in self._free

    def give_up(self, lane: Lane) -> None:
        """It is somebody else's from now on."""
        self._free.remove(lane)

    async def close(self) -> None:
        """Close all; new ones may be opened afterwards. Never raises."""
        opening, self._opening, self._hurries = self._opening, None, 0
        if opening is not None:
            opening.cancel()
            await asyncio.wait([opening])
        free, self._free = self._free, []
        for lane in free:
            await lane.close()

    async def _open(self) -> Lane:
        return await Lane.open(self._place, file_bytes=self._file_bytes, pids=self._pids)

    async def _open_second(self) -> None:
        # One lane is enough where a second cannot be had.
        with contextlib.suppress(SandboxError):
            self._free.insert(0, await self._open())
