"""What a sandbox has to offer so that `Shell` can run commands in it: a byte channel to a POSIX shell, and signals."""

from collections.abc import Collection
from typing import Protocol


class Channel(Protocol):
    """The standard input and output of one running `sh`."""

    async def write(self, data: bytes) -> None:
        """Raises OSError when the shell is gone."""
        ...

    async def read(self) -> bytes:
        """What it and its children wrote next, error output included; empty at the end."""
        ...

    async def alive(self) -> bool:
        """Whether the shell process itself still runs: its children may hold the channel open without it."""
        ...

    async def close(self) -> None:
        """Never raises."""
        ...


class Place(Protocol):
    """Where shells run."""

    async def open(self) -> Channel:
        """Start an `sh` there, beside those that run. Raises SandboxError."""
        ...

    async def signal(self, driver: int, number: int, known: Collection[int], began_s: float) -> frozenset[int]:
        """Send a signal to the command that the shell `driver` (its own pid for itself) runs since `began_s`.

        That is all that descends from it by parent or session and is no older, and `known`, an earlier answer.
        `began_s` is of time.monotonic(). Number 0 only looks. Returns the pids that are there. Raises SandboxError
        when it cannot tell.
        """
        ...

    async def listening(self, pids: Collection[int]) -> bool:
        """Whether one of these processes, as `signal` gave them, listens on a TCP port. Raises SandboxError."""
        ...

    async def clear(self) -> str | None:
        """End every process there and make it ready for `open` again; says what was lost with them.

        Raises SandboxError when the place could not be brought back.
        """
        ...
