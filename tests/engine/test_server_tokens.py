import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.remote import RemoteEngine
from glmcode_engine.server_tokens import ServerTokens
from tests.engine.answers import answer_of, ask
from tests.engine.conftest import OpenRemote
from tests.simulated import Flavor, SimulatedEndpoint

FLAVORS: tuple[Flavor, ...] = ("zai", "sglang", "vllm")


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_the_servers_count_of_a_prompt_is_what_its_usage_reports_later(
    flavor: Flavor, open_remote: OpenRemote
) -> None:
    async with SimulatedEndpoint([{"content": "ok"}], flavor=flavor, key="sk-k") as server:
        engine = open_remote(server, dialect=flavor, api_key="sk-k")
        counted = await ServerTokens(engine).count(ask("héllo " * 50))
        assert server.requests == []
        usage = (await answer_of(engine, ask("héllo " * 50))).usage
        await engine.aclose()
    assert usage is not None
    assert counted == usage.prompt_tokens > 0
    assert server.paths[0] == ("POST /api/paas/v4/tokenizer" if flavor == "zai" else "POST /tokenize")


@pytest.mark.parametrize("flavor", ["sglang", "vllm"])
async def test_the_window_is_asked_once_and_only_when_it_is_wanted(flavor: Flavor, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "ok"}], flavor=flavor) as server:
        engine = open_remote(server, dialect=flavor)
        tokens = ServerTokens(engine)
        await answer_of(engine, ask())
        assert server.paths == ["POST /v1/chat/completions"]
        assert [await tokens.window() for _ in range(3)] == [202752] * 3
        await engine.aclose()
    assert server.paths == ["POST /v1/chat/completions", "GET /v1/models"]


async def test_what_the_user_set_holds_and_nothing_is_asked() -> None:
    async with SimulatedEndpoint([]) as server:
        engine = RemoteEngine(resolve_endpoint(server.base_url, "glm-4.6", window=65536), api_key=None)
        assert await ServerTokens(engine).window() == 65536
        await engine.aclose()
        assert server.connections == 0


async def test_a_service_that_does_not_tell_is_known_by_its_preset(open_remote: OpenRemote) -> None:
    engine = open_remote("https://api.novita.ai/openai")
    assert await ServerTokens(engine).window() == 204_800
    assert await ServerTokens(engine).count(ask()) is None
    await engine.aclose()


async def test_a_server_that_is_not_there_tells_nothing_and_is_asked_again(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([], key="sk-other") as server:
        engine = open_remote(server)
        tokens = ServerTokens(engine)
        assert await tokens.window() is None
        assert await tokens.window() is None
        assert await tokens.count(ask()) is None
        await engine.aclose()
    assert server.paths == ["GET /v1/models", "GET /v1/models", "POST /tokenize"]


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.mark.parametrize(
    ("listed", "window"),
    [
        ([{"id": "other", "max_model_len": 1}, {"id": "glm-4.6", "max_model_len": 9000}], 9000),
        ([{"id": "/models/glm", "max_model_len": 9000}], 9000),
        ([{"id": "a", "max_model_len": 1}, {"id": "b", "max_model_len": 2}], None),
        ([{"id": "glm-4.6"}], None),
        ([{"id": "glm-4.6", "max_model_len": "9000"}], None),
        ([{"id": "glm-4.6", "max_model_len": -1}], None),
        ([{"id": "glm-4.6", "max_model_len": True}], None),
        (["glm-4.6"], None),
        ([], None),
        ({}, None),
    ],
)
async def test_only_a_window_that_makes_sense_is_believed(
    listed: Any, window: int | None, open_remote: OpenRemote
) -> None:
    async with answering(json.dumps({"data": listed}).encode()) as url:
        engine = open_remote(url)
        assert await ServerTokens(engine).window() == window
        await engine.aclose()


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000, b'{"count": 1.5}', b'{"count": null}'])
async def test_nonsense_is_no_count(body: bytes, open_remote: OpenRemote) -> None:
    async with answering(body) as url:
        engine = open_remote(url)
        assert await ServerTokens(engine).count(ask()) is None
        await engine.aclose()
