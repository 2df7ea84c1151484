"""The simulated server itself: it listens on loopback, plays its script and records what it was asked."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

from tests.simulated.http import ClientGone, HttpRequest, Reply, read_request
from tests.simulated.script import Entry, Script, entry_for
from tests.simulated.wire import (
    Counted,
    Flavor,
    base_path,
    chunks,
    error_body,
    event,
    model_list,
    prompt_text,
    refused_key,
    tokenized,
    tokens_path,
    unknown_model,
)


@dataclass(slots=True)
class Recorded:
    """One request for an answer. Times are seconds of `time.monotonic`."""

    number: int
    raw: bytes
    headers: dict[str, str]
    arrived_at: float
    body: dict[str, Any] = field(default_factory=dict)
    ended_at: float | None = None
    """When the answer, the error or the fault was complete; None if the client left before."""


class SimulatedEndpoint:
    """`async with SimulatedEndpoint(script, flavor="sglang") as server:` then ask `server.base_url`.

    The script is a list of entries, one a request, or a function of the request and its number.
    """

    def __init__(
        self, script: Script, *, flavor: Flavor = "sglang", key: str | None = None, model: str = "glm-4.6"
    ) -> None:
        self.requests: list[Recorded] = []
        """Every request for an answer that got past the key, in order."""
        self.paths: list[str] = []
        """Every request, as `METHOD path`."""
        self.connections = 0
        """How many connections were made."""
        self._script, self._flavor, self._key, self._model = script, flavor, key, model
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.asked = asyncio.Event()
        """Set once a request for an answer came."""
        self.idle = asyncio.Event()
        """Set while no connection is open."""
        self._previous = b""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    @property
    def base_url(self) -> str:
        """What to pass as --base-url."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{base_path(self._flavor)}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connections[task] = writer
        self.connections += 1
        self.idle.clear()
        try:
            while (request := await read_request(reader)) is not None:
                await self._reply(request, Reply(reader, writer))
        except ClientGone:
            pass
        finally:
            del self._connections[task]
            writer.close()
            if not self._connections:
                self.idle.set()

    async def _reply(self, request: HttpRequest, reply: Reply) -> None:
        self.paths.append(f"{request.method} {request.path}")
        if self._key is not None and request.headers.get("authorization") != f"Bearer {self._key}":
            await reply.json(*refused_key(self._flavor))
            return
        match self.paths[-1].replace(base_path(self._flavor), "", 1):
            case "POST /chat/completions":
                await self._chat(request, reply)
            case "GET /models":
                await reply.json(200, model_list(self._flavor, self._model))
            case _ if self.paths[-1] == f"POST {tokens_path(self._flavor)}":
                await reply.json(200, tokenized(self._flavor, json.loads(request.body)))
            case _:
                await reply.json(404, {"detail": "Not Found"})

    async def _chat(self, request: HttpRequest, reply: Reply) -> None:
        recorded = Recorded(len(self.requests), request.body, request.headers, time.monotonic())
        recorded.body = json.loads(request.body)
        self.requests.append(recorded)
        self.asked.set()
        if (refusal := unknown_model(self._flavor, recorded.body.get("model"), self._model)) is not None:
            await reply.json(*refusal)
        else:
            await self._play(entry_for(self._script, recorded.body, recorded.number), recorded, reply)
        recorded.ended_at = time.monotonic()

    async def _play(self, entry: Entry, recorded: Recorded, reply: Reply) -> None:
        if entry.error is not None and not entry.error.in_stream:
            told = {"retry-after": entry.error.retry_after, "location": entry.error.location}
            headers = {name: value for name, value in told.items() if value is not None}
            await reply.json(entry.error.status, error_body(self._flavor, entry.error), headers)
            return
        if entry.reset and not entry.streams_something:
            reply.reset()
            return
        await reply.start_stream()
        await self._stream(entry, recorded, reply)
        if entry.reset:
            await asyncio.sleep(0.01)  # what was written has to leave before the reset overtakes it
            reply.reset()
            return
        if entry.error is not None:
            await reply.piece(event(error_body(self._flavor, entry.error)))
        elif not entry.cut:
            await reply.piece(event("[DONE]"))
        await reply.end_stream()

    async def _stream(self, entry: Entry, recorded: Recorded, reply: Reply) -> None:
        events: list[dict[str, Any] | str] = list(entry.raw or ())
        if entry.raw is None:
            counted = self._count(entry, recorded.body)
            events = list(chunks(self._flavor, entry, recorded.body, recorded.number, counted))
        breaks_off = entry.error is not None or entry.reset or entry.cut
        stall_at = entry.stall_at if entry.stall_at is not None else 0 if self._flavor == "zai" else 1
        for position, data in enumerate(events):
            if breaks_off and isinstance(data, dict) and _finishes(data):
                return
            if position == stall_at and entry.stall_s:
                await reply.stay_silent(entry.stall_s)
            await reply.piece(event(data))

    def _count(self, entry: Entry, request: dict[str, Any]) -> Counted:
        """Token counts as about 4 bytes each; the beginning shared with the previous prompt counts as cached."""
        prompt = prompt_text(request)
        shared = _shared_prefix(self._previous, prompt)
        self._previous = prompt
        reasoning = len((entry.reasoning or "").encode()) // 4
        said = len((entry.content or "").encode()) + sum(len(c.name + c.arguments) for c in entry.tool_calls)
        return Counted(len(prompt) // 4, shared // 4, reasoning + said // 4 + 1, reasoning)


def _finishes(data: dict[str, Any]) -> bool:
    choices = data.get("choices")
    return not choices or bool(choices[0].get("finish_reason"))


def _shared_prefix(one: bytes, other: bytes) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
