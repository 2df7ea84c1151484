"""Blocking file work in threads that is always over before its caller goes on, also when it is cancelled."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


async def finished(work: Callable[[], T], stop: threading.Event | None = None) -> T:
    """The result of `work`, run in a thread. A cancelled call sets `stop`, waits for the thread, and then ends."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if stop is not None:
            stop.set()
        await asyncio.wait([task])
        with suppress(asyncio.CancelledError, OSError):
            task.result()
        raise


async def remove_folder(folder: Path) -> None:
    """Delete a folder of ours with all below, however deep it is nested and whatever modes a command left there."""
    for command in (("rm", "-rf"), ("chmod", "-R", "u+rwX"), ("rm", "-rf")):
        if not folder.exists():
            return
        process = await asyncio.create_subprocess_exec(
            *command, "--", str(folder), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await process.wait()
