"""The engine that asks a model over the OpenAI chat-completions wire."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from glmcode_engine.base import EngineError, EngineInfo, Stop, StreamPart
from glmcode_engine.deltas import ChunkReader
from glmcode_engine.endpoint import Endpoint, safe_url
from glmcode_engine.errors import server_error, tells_error
from glmcode_engine.messages import Request
from glmcode_engine.transport import (
    UNREADABLE,
    stalled,
    transport_error,
    transport_failures,
    unusable_proxy,
    whole_body,
)
from glmcode_engine.wire import RESERVED_KEYS, request_body

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream, Omit

T = TypeVar("T")

_END = object()
_GRACE_S = 10.0
"""How long the usage may lag behind the finish reason before the answer counts as complete without it."""
_CALL_S = 20.0
"""How long a call that is no answer of the model may take."""
_BROKEN_OFF = frozenset({"network_error", "abort", "error"})
"""Finish reasons that mean the server gave up, not the model."""


class RemoteEngine:
    """A model behind any OpenAI-compatible server."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        api_key: str | None,
        idle_timeout_s: float = 120.0,
        connect_timeout_s: float = 10.0,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        """`extra_body` is merged into every request. Raises ValueError if it holds `messages` or `stream`."""
        if reserved := [key for key in RESERVED_KEYS if key in (extra_body or {})]:
            raise ValueError(f"--extra-body may not set {' or '.join(reserved)}")
        self._endpoint = endpoint
        self._api_key = api_key
        self._idle_timeout_s = idle_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._extra_body = dict(extra_body or {})
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    @property
    def info(self) -> EngineInfo:
        """Who answers; safe to show."""
        return EngineInfo(kind="remote", model=self._endpoint.model, base_url=safe_url(self._endpoint.base_url))

    @property
    def endpoint(self) -> Endpoint:
        """Where it asks; its address may hold user information."""
        return self._endpoint

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Stream one answer; see `Engine.stream`."""
        reader = ChunkReader()
        async with aclosing(self._chunks(request, reader)) as chunks:
            async for chunk in chunks:
                for part in reader.read(chunk):
                    yield part
        yield self._stop(reader)

    async def call(self, method: Literal["GET", "POST"], url: str, body: object = None) -> object:
        """The JSON that another route of the server answers; `url` is whole, or a path below the base URL.

        Raises EngineError.
        """
        client = await self._open()
        options: Any = {"headers": self._key_header()}
        limit_s = min(_CALL_S, self._idle_timeout_s)
        if method == "GET":
            return await self._answered(client.get(url, options=options, cast_to=object), limit_s, *UNREADABLE)
        return await self._answered(client.post(url, body=body, options=options, cast_to=object), limit_s, *UNREADABLE)

    async def aclose(self) -> None:
        """Close the connections."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _chunks(self, request: Request, reader: ChunkReader) -> AsyncGenerator[object, None]:
        client = await self._open()
        body = request_body(request, self._endpoint, self._extra_body)
        response: AsyncStream[object] = await self._answered(self._post(client, body), self._idle_timeout_s)
        try:
            async with aclosing(self._received(response, reader)) as chunks:
                async for chunk in chunks:
                    if tells_error(chunk):
                        raise server_error(None, chunk, self._endpoint, api_key=self._api_key)
                    yield chunk
        finally:
            await response.close()

    async def _received(self, response: "AsyncStream[object]", reader: ChunkReader) -> AsyncGenerator[object, None]:
        """What the server sent, decoded. Raises EngineError where it sends nothing of an answer for too long."""
        if "json" in response.response.headers.get("content-type", ""):
            yield await self._answered(whole_body(response.response), self._idle_timeout_s, *UNREADABLE)
            return
        signs, silent_s = 0, 0.0
        while True:
            if signs != reader.signs:
                signs, silent_s = reader.signs, 0.0
            began = time.monotonic()
            chunk = await self._next(response, reader, silent_s)
            if chunk is _END:
                return
            silent_s += time.monotonic() - began
            yield chunk

    async def _next(self, response: "AsyncStream[object]", reader: ChunkReader, silent_s: float) -> object:
        finished = reader.finish_reason is not None
        limit_s = min(_GRACE_S, self._idle_timeout_s) if finished else self._idle_timeout_s
        try:
            if silent_s >= limit_s:
                raise stalled(self._endpoint, limit_s)
            return await self._answered(anext(response, _END), limit_s, *UNREADABLE, left_s=limit_s - silent_s)
        except EngineError:
            if finished:
                return _END  # the answer is whole; only its usage is missing
            raise

    def _post(self, client: "AsyncOpenAI", body: dict[str, Any]) -> "Awaitable[AsyncStream[object]]":
        from openai import AsyncStream

        # Not `client.chat.completions.create`: it walks all messages against their typed dicts, 45-70 ms of CPU for
        # 180 messages where this takes 5, and builds a model object of every chunk.
        return client.post(
            "/chat/completions",
            body=body,
            options={"headers": self._key_header()},
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
        )

    def _key_header(self) -> "dict[str, str | Omit]":
        from openai import Omit

        # Without a key of ours the client would send the one it finds in OPENAI_API_KEY.
        return {} if self._api_key else {"Authorization": Omit()}

    async def _answered(
        self, step: Awaitable[T], limit_s: float, *unreadable: type[Exception], left_s: float | None = None
    ) -> T:
        """The step's result, or EngineError for whatever the client raises instead, `unreadable` included.

        `left_s`: what of the limit is left.
        """
        import openai

        try:
            async with asyncio.timeout(limit_s if left_s is None else left_s):
                return await step
        except TimeoutError:
            raise stalled(self._endpoint, limit_s) from None
        # From None: the causes carry headers and server text that belong in no log.
        except openai.APIStatusError as error:
            headers = {key.lower(): value for key, value in error.response.headers.items()}
            raise server_error(
                error.status_code, error.body, self._endpoint, headers=headers, api_key=self._api_key
            ) from None
        except openai.APIConnectionError as error:
            raise transport_error(error, self._endpoint) from None
        except openai.APIError as error:
            body = error.body or error.message
            raise server_error(None, body, self._endpoint, api_key=self._api_key) from None
        except (*transport_failures(), *unreadable) as error:
            raise transport_error(error, self._endpoint) from None

    def _stop(self, reader: ChunkReader) -> Stop:
        url = safe_url(self._endpoint.base_url)
        if reader.chunks == 0:
            raise EngineError("unreachable", f"{url} sent no event stream; check --base-url", retry="briefly")
        if reader.finish_reason is None:
            raise EngineError("unreachable", f"the answer of {url} ended without finishing; try again")
        if reader.finish_reason in _BROKEN_OFF:
            raise EngineError("unreachable", f"{url} broke the answer off ({reader.finish_reason}); try again")
        return Stop(reader.finish_reason)

    async def _open(self) -> "AsyncOpenAI":
        """The client. Raises EngineError where the proxy of this machine's environment cannot be used."""
        if self._closed:
            raise RuntimeError("the engine is closed")
        async with self._opening:
            if self._client is None:
                try:
                    self._client = await asyncio.to_thread(self._make_client)
                except (ImportError, ValueError, OSError) as error:
                    raise unusable_proxy(error) from None
            return self._client

    def _make_client(self) -> "AsyncOpenAI":
        import openai

        # A proxy reaches its own loopback, never ours.
        direct = dict.fromkeys(("all://localhost", "all://127.0.0.1", "all://[::1]"))
        # The client would send what it finds in OPENAI_ORG_ID and OPENAI_PROJECT_ID to any server.
        unset = dict.fromkeys(("OpenAI-Organization", "OpenAI-Project"), openai.Omit())
        headers: dict[str, Any] = {"User-Agent": "glmcode", **unset}
        return openai.AsyncOpenAI(
            api_key=self._api_key or "none",
            base_url=self._endpoint.base_url,
            max_retries=0,
            timeout=openai.Timeout(None, connect=self._connect_timeout_s),
            default_headers=headers,
            # A server that points elsewhere must not get the repository sent to a place nobody named.
            http_client=openai.DefaultAsyncHttpxClient(mounts=direct, follow_redirects=False),
        )
