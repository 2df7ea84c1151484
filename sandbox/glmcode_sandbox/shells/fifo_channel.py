"""A channel to a shell over two FIFOs of the host, which are unlinked as soon as both ends are open."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from glmcode_sandbox.shells.descriptors import DescriptorChannel

_POLL_S = 0.001


async def connect(stem: Path, alive: Callable[[], bool], limit_s: float) -> DescriptorChannel:
    """Open `STEM.in` and `STEM.out` once a shell has opened their other ends, its output first, and unlink them.

    Raises TimeoutError, and ConnectionError when `alive` says that nobody will come any more.
    """
    reading = os.open(f"{stem}.out", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + limit_s
        while True:
            # Refused with ENXIO until somebody reads.
            with contextlib.suppress(OSError):
                writing = os.open(f"{stem}.in", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                return DescriptorChannel(writing, reading)
            if not alive():
                raise ConnectionError
            if time.monotonic() > deadline:
                raise TimeoutError
            await asyncio.sleep(_POLL_S)
    except BaseException:
        os.close(reading)
        raise
    finally:
        for name in (f"{stem}.in", f"{stem}.out"):
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108


def make(stem: Path, owner: tuple[int, int] | None) -> None:
    """The two FIFOs that `connect` wants; as root for `owner`, uid and gid. Raises OSError."""
    for name in (f"{stem}.in", f"{stem}.out"):
        os.mkfifo(name, 0o600)
        if owner is not None:
            os.chown(name, *owner)
