"""A channel to a shell over two descriptors that do not block: those of two FIFOs, or of a socket."""

import asyncio
import contextlib
import os
import select
from collections.abc import Callable

_CHUNK = 256 * 1024


class DescriptorChannel:
    """Writes to the shell's standard input and reads what it and its children write."""

    def __init__(self, to_shell: int, from_shell: int) -> None:
        """Both not blocking; the channel closes them."""
        self._in = to_shell
        self._out = from_shell
        self._closed = False
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def open(self) -> bool:
        """Whether it was not closed yet."""
        return not self._closed

    async def write(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        view = memoryview(data)
        while view:
            if self._closed:
                raise BrokenPipeError("the shell's channel is closed")
            try:
                view = view[os.write(self._in, view) :]
            except BlockingIOError:
                await self._ready(self._in, loop.add_writer, loop.remove_writer)

    async def read(self) -> bytes:
        loop = asyncio.get_running_loop()
        while not self._closed:
            try:
                return os.read(self._out, _CHUNK)
            except BlockingIOError:
                await self._ready(self._out, loop.add_reader, loop.remove_reader)
        return b""

    async def alive(self) -> bool:
        """The shell is the only one that reads its input: its children get another."""
        if self._closed:
            return False
        poll = select.poll()
        poll.register(self._in, select.POLLOUT)
        return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        # Before the numbers can mean other files.
        loop.remove_reader(self._out)
        loop.remove_writer(self._in)
        for descriptor in (self._in, self._out):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        for waiter in self._waiting:
            _resolve(waiter)

    async def _ready(self, descriptor: int, add: Callable[..., None], remove: Callable[[int], object]) -> None:
        """Until the descriptor is ready or the channel is closed."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        add(descriptor, _resolve, waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)
            if not self._closed:
                remove(descriptor)


def _resolve(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
