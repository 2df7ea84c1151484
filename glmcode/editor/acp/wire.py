"""The agent's end of the pipes: one JSON object a line, and nothing else on standard output."""

import asyncio
import contextlib
import json
import os
import queue
import sys
import threading
from typing import Any

MAX_FRAME_BYTES = 64 * 1024 * 1024
_READ_BYTES = 256 * 1024
_TOO_LONG = bytes(1)
"""Stands for a line that was longer than a frame may be."""


def take_stdio() -> tuple[int, int]:
    """Descriptors for reading and writing the protocol, known to nobody else.

    From now on descriptor 1 is standard error and descriptor 0 is empty: no print and no child, whoever starts it, can
    write between the messages or eat them.
    """
    sys.stdout.flush()
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return reading, writing


class StdioTransport:
    """Messages over two descriptors; what the protocol package calls a Transport.

    Threads read and write: they work with pipes, files and terminals alike, leave the flags of descriptors that others
    share alone, and a client that no longer reads cannot keep the process from ending.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._out: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        self._gone = False
        for work in (self._read, self._write):
            threading.Thread(target=work, args=(reading if work == self._read else writing,), daemon=True).start()

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None when the client is gone. What is no message is answered here, with an error."""
        while (line := await self._lines.get()) is not None:
            message = _parsed(line)
            if isinstance(message, _Refused):
                await self.send(message.answer())
            elif message:
                return message
        return None

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message, in the order of the calls; to a client that is gone nothing is sent."""
        if self._gone:
            return
        # The default is for what a validation error carries along: values that are no JSON.
        data = json.dumps(message, separators=(",", ":"), default=str).encode() + b"\n"
        written: asyncio.Future[None] = self._loop.create_future()
        self._out.put((data, written))
        await written

    async def close(self) -> None:
        """Nothing to do: everything sent was written when `send` returned, and the threads end with the process."""

    def _read(self, descriptor: int) -> None:
        held = bytearray()
        skipping = False
        with contextlib.suppress(OSError):
            while piece := os.read(descriptor, _READ_BYTES):
                *ends, rest = piece.split(b"\n")
                for end in ends:
                    too_long = skipping or len(held) + len(end) > MAX_FRAME_BYTES
                    self._tell(_TOO_LONG if too_long else bytes(held + end))
                    held, skipping = bytearray(), False
                held += rest
                if len(held) > MAX_FRAME_BYTES:
                    held, skipping = bytearray(), True
        if held.strip() and not skipping:
            self._tell(bytes(held))
        self._tell(None)

    def _tell(self, line: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)

    def _write(self, descriptor: int) -> None:
        while True:
            data, written = self._out.get()
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
            except OSError:
                self._gone = True
                self._tell(None)
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_done, written)


def _done(written: "asyncio.Future[None]") -> None:
    if not written.done():
        written.set_result(None)


class _Refused:
    """A line that is no message of JSON-RPC 2.0, and the error that answers it."""

    def __init__(self, code: int, text: str, message_id: object = None) -> None:
        self._error = {"code": code, "message": text}
        self._id = message_id

    def answer(self) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": self._id, "error": self._error}


def _parsed(line: bytes) -> dict[str, Any] | _Refused | None:
    """The message in a line, None for an empty line. The package trusts the shape of what it is given."""
    if line == _TOO_LONG:
        return _Refused(-32600, f"a message of more than {MAX_FRAME_BYTES // 1024**2} MiB is not taken")
    if not line.strip():
        return None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _Refused(-32700, f"not JSON: {str(error)[:200]}")
    if not isinstance(message, dict):
        return _Refused(-32600, "a message is a JSON object")
    message_id = message.get("id")
    if not isinstance(message_id, str | int | None):
        return _Refused(-32600, "an id is a string or a number")
    if "method" in message and not isinstance(message["method"], str):
        return _Refused(-32600, "a method is a string", message_id)
    if "method" not in message and "id" not in message:
        return _Refused(-32600, "a message has a method or an id")
    if "error" in message and not isinstance(message["error"], dict):
        message["error"] = {"code": -32603, "message": str(message["error"])}
    if isinstance(message.get("params"), dict):
        # The package spreads what is in `_meta` over the arguments; nothing of it is ours.
        message["params"].pop("_meta", None)
    return message
