"""A channel to a shell that runs in a container, over the socket of one `docker exec`."""

import asyncio
import contextlib
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from glmcode_sandbox.shells.descriptors import DescriptorChannel
from glmcode_sandbox.shells.place import Channel

_CHUNK = 256 * 1024
_QUEUED_CHUNKS = 16
_DIRECT_BYTES = 16 * 1024
"""So much always fits into the socket's buffer of a shell that waits for its next line."""


def exec_channel(raw: Any, running: Callable[[], bool]) -> Channel:
    """`raw`: what docker-py gives for a hijacked connection. `running` asks the daemon; it may block."""
    plain = not isinstance(getattr(raw, "_sock", raw), ssl.SSLSocket)
    return SocketChannel(raw, running) if plain else TlsChannel(raw, running)


class SocketChannel:
    """A unix or TCP socket, read by the event loop itself: a command waits for no thread."""

    def __init__(self, raw: Any, running: Callable[[], bool]) -> None:
        self._raw = raw
        self._socket: socket.socket = getattr(raw, "_sock", raw)
        self._socket.setblocking(False)
        self._running = running
        self._bytes = DescriptorChannel(os.dup(self._socket.fileno()), os.dup(self._socket.fileno()))
        self._frames = Frames()
        self._ended = False

    async def write(self, data: bytes) -> None:
        if self._ended:
            raise BrokenPipeError("the shell in the container is gone")
        await self._bytes.write(data)

    async def read(self) -> bytes:
        while data := await self._bytes.read():
            if payload := self._frames.feed(data):
                return payload
        self._ended = True
        return b""

    async def alive(self) -> bool:
        return not self._ended and await asyncio.to_thread(self._running)

    async def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        await self._bytes.close()
        with contextlib.suppress(OSError):
            self._raw.close()


class TlsChannel:
    """Reads in a thread of its own, since not all that came over TLS shows at the socket."""

    def __init__(self, raw: Any, running: Callable[[], bool]) -> None:
        self._raw = raw
        self._socket: ssl.SSLSocket = getattr(raw, "_sock", raw)
        self._socket.settimeout(None)
        self._running = running
        # One TLS connection must not be read and written at the same time.
        self._one = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = threading.Semaphore(_QUEUED_CHUNKS)
        self._closed = False
        self._ended = False
        threading.Thread(target=self._read_all, name="glmcode-exec", daemon=True).start()

    async def write(self, data: bytes) -> None:
        if self._ended:
            raise BrokenPipeError("the shell in the container is gone")
        if len(data) <= _DIRECT_BYTES:
            self._send(data)
        else:
            await asyncio.to_thread(self._send, data)

    async def read(self) -> bytes:
        if self._ended and self._queue.empty():
            return b""
        data = await self._queue.get()
        self._room.release()
        return data

    async def alive(self) -> bool:
        return not self._ended and await asyncio.to_thread(self._running)

    async def close(self) -> None:
        self._closed = True
        self._room.release(_QUEUED_CHUNKS)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._raw.close()

    def _send(self, data: bytes) -> None:
        with self._one:
            self._socket.sendall(data)

    def _read_all(self) -> None:
        frames = Frames()
        while not self._closed:
            data = self._receive()
            payload = frames.feed(data)
            if data and not payload:
                continue
            self._room.acquire()
            try:
                self._loop.call_soon_threadsafe(self._arrived, payload)
            except RuntimeError:  # the loop is closed, and with it all who could read
                return
            if not data:
                return

    def _receive(self) -> bytes:
        try:
            if not self._socket.pending():
                select.select([self._socket], [], [])
            with self._one:
                return self._socket.recv(_CHUNK)
        except (OSError, ValueError):
            return b""

    def _arrived(self, data: bytes) -> None:
        self._ended = self._ended or not data
        self._queue.put_nowait(data)


class Frames:
    """Takes apart what the daemon sends of a container without terminal: 8 bytes of stream and length, then bytes."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """The bytes of both streams in the order they came."""
        output, at = [], 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                self._left -= len(piece)
                output.append(piece)
                at += len(piece)
                continue
            wanted = 8 - len(self._header)
            self._header += data[at : at + wanted]
            at += wanted
            if len(self._header) == 8:
                self._left = int.from_bytes(self._header[4:], "big")
                self._header.clear()
        return b"".join(output)
