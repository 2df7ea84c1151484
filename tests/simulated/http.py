"""The little of HTTP/1.1 that a model server needs: requests with a length, bodies and chunked streams."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class ClientGone(Exception):
    """The client closed the connection before the answer was complete."""


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The next request of a connection, or None at its end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return HttpRequest(method, path, headers, body)


class Reply:
    """Writes one response: either a JSON body, or a stream of pieces."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        """Send a whole JSON response."""
        payload = json.dumps(body, ensure_ascii=False).encode()
        fields = {"content-type": "application/json", "content-length": str(len(payload)), **(headers or {})}
        await self._write(_head(status, fields) + payload)

    async def start_stream(self) -> None:
        """Send the head of a stream."""
        await self._write(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))

    async def piece(self, data: bytes) -> None:
        """Send a piece of the stream. Raises ClientGone."""
        await self._write(b"%x\r\n%s\r\n" % (len(data), data))

    async def end_stream(self) -> None:
        """End the stream; the connection stays open."""
        await self._write(b"0\r\n\r\n")

    def reset(self) -> None:
        """Break the connection off."""
        self._writer.transport.abort()

    async def stay_silent(self, seconds: float) -> None:
        """Wait. Raises ClientGone as soon as the client leaves."""
        try:
            async with asyncio.timeout(seconds):
                await self._reader.read(1)
        except TimeoutError:
            return
        except ConnectionError:
            pass
        raise ClientGone

    async def _write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            raise ClientGone from None
        if self._reader.at_eof():
            raise ClientGone


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
