"""The index of the repository, brought up to date behind a live session, so that no prompt begins from nothing."""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glmcode.context.warming import Progress

PATIENCE_S = 15.0
"""How long a pack waits for the index; then it uses what is there."""


class Indexing:
    """One run of the index for one session; it never waits for the event loop and ends with the session."""

    def __init__(
        self,
        repo: Path,
        tell: "Callable[[Progress | None], None] | None" = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`tell` hears how far it is, and None at its end; `patience_s`: how long `complete` waits."""
        self._repo = repo
        self._tell = tell or (lambda _: None)
        self._patience_s = patience_s
        self._task: asyncio.Task[None] | None = None
        self._complete = asyncio.Event()

    def begin(self) -> None:
        """Begin, once; what is called again does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def complete(self) -> bool:
        """Whether all files are in, after waiting for that a while. Where none was begun the pack does it all."""
        if self._task is None:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._complete.wait()
        return self._complete.is_set()

    async def aclose(self) -> None:
        """End it; what was read until then is kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        from glmcode.context.warming import warm

        try:
            # What comes after the last file, such as pruning, keeps no prompt waiting.
            async with aclosing(warm(self._repo)) as progress:
                async for at in progress:
                    if at.done < at.of:
                        self._tell(at)
                    else:
                        self._ready()
        except OSError:
            pass  # no process to be had: the first pack reads what it needs
        finally:
            self._ready()

    def _ready(self) -> None:
        if not self._complete.is_set():
            self._complete.set()
            self._tell(None)
