"""Servers that answer with something other than a stream that ends, on a real wire."""

import asyncio
from typing import Any

import pytest

from glmcode_engine.base import EngineError, ErrorKind
from tests.engine.answers import answer_of, ask, parts_of
from tests.engine.conftest import OpenRemote
from tests.engine.raw_server import chunk, event, head, raw_server, whole

SILENT = {
    "comments": b": keepalive\n\n",
    "empty deltas": chunk(),
    "empty texts": chunk(content="", reasoning_content=None),
    "roles": chunk(role="assistant"),
    "no choices": event({"id": "x"}),
    "the same usage": event({"choices": [], "usage": {"prompt_tokens": 1}}),
    "pings": event({}, "ping"),
}
ANSWER = {"choices": [{"index": 0, "message": {"content": "hello"}, "finish_reason": "stop"}]}


async def failure(open_remote: OpenRemote, url: str, **options: Any) -> EngineError:
    engine = open_remote(url, **options)
    try:
        async with asyncio.timeout(20):
            with pytest.raises(EngineError) as caught:
                await parts_of(engine, ask())
    finally:
        await engine.aclose()
    return caught.value


@pytest.mark.parametrize("begun", [b"", chunk(content="half")], ids=["at once", "in the answer"])
@pytest.mark.parametrize("piece", SILENT.values(), ids=SILENT.keys())
async def test_chunks_that_hold_nothing_of_an_answer_are_a_stall(
    begun: bytes, piece: bytes, open_remote: OpenRemote
) -> None:
    async with raw_server(head(), begun, forever=piece) as url:
        error = await failure(open_remote, url, idle_timeout_s=0.5)
    assert (error.kind, error.retry) == ("unreachable", "patiently")
    assert "sent nothing for 0.5 s" in str(error)


@pytest.mark.parametrize("piece", [chunk(), chunk(content="x"), b": still here\n\n"], ids=["empty", "text", "comments"])
async def test_a_finished_answer_does_not_wait_for_what_never_ends(piece: bytes, open_remote: OpenRemote) -> None:
    async with raw_server(head(), chunk(content="whole"), chunk("stop"), forever=piece) as url:
        engine = open_remote(url, idle_timeout_s=0.5)
        async with asyncio.timeout(20):
            message = (await answer_of(engine, ask())).message()
        await engine.aclose()
    assert message.content.startswith("whole")


async def test_slow_pieces_of_an_answer_are_no_stall(open_remote: OpenRemote) -> None:
    text = [chunk(content="x")] * 40
    async with raw_server(head(), forever=b"".join(text)) as url:
        engine = open_remote(url, idle_timeout_s=0.2)
        stream = engine.stream(ask())
        async with asyncio.timeout(20):
            came = [await anext(stream) for _ in range(1_000)]  # at 2,000 a second at most
        await stream.aclose()
        await engine.aclose()
    assert all(part.kind == "text" for part in came)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ({"error": {"code": "1302", "message": "High concurrency"}}, "rate_limited", "High concurrency"),
        ({"error": {"code": "1301", "message": "unsafe"}}, "filtered", "unsafe"),
        ({"error": {"code": "1261", "message": "Prompt exceeds max length"}}, "overflow", "too"),
        ({"error": {"code": "1000", "message": "Authentication Failed"}}, "auth", "Failed"),
        ({"code": 1001, "msg": "Header missing", "success": False}, "auth", "Header missing"),
        ({"code": 500, "msg": "404 NOT_FOUND", "success": False}, "unreachable", "NOT_FOUND"),
        ({"object": "error", "message": "no such thing", "code": 400}, "bad_request", "no such thing"),
        ({"error": "just words"}, "unreachable", "just words"),
    ],
)
async def test_an_error_told_with_status_200_is_that_error(
    body: dict[str, Any], kind: ErrorKind, said: str, open_remote: OpenRemote
) -> None:
    for reply in ([whole(body)], [head(), event(body)], [head(), event(body, "error")]):
        async with raw_server(*reply) as url:
            error = await failure(open_remote, url)
        assert error.kind == kind, reply
        assert kind == "overflow" or said in str(error)


async def test_an_answer_that_is_no_stream_is_read_all_the_same(open_remote: OpenRemote) -> None:
    async with raw_server(whole(ANSWER)) as url:
        engine = open_remote(url)
        answer = await answer_of(engine, ask())
        await engine.aclose()
    assert (answer.message().content, answer.stop) == ("hello", "stop")


@pytest.mark.parametrize("body", [b'{"choices": [', b"[1, 2]", b"\xff\xfe", b""], ids=["cut", "list", "bytes", "empty"])
async def test_a_body_that_is_no_answer_is_an_error(body: bytes, open_remote: OpenRemote) -> None:
    async with raw_server(head(200, "application/json") + body) as url:
        error = await failure(open_remote, url)
    assert error.kind == "unreachable"
    assert "--base-url" in str(error) or "try again" in str(error)


@pytest.mark.parametrize("status", [200, 500])
async def test_a_body_that_cannot_be_unpacked_is_an_error(status: int, open_remote: OpenRemote) -> None:
    async with raw_server(head(status, content_encoding="gzip") + b"\x1f\x8bgarbage") as url:
        error = await failure(open_remote, url)
    assert error.kind == "unreachable"


async def test_text_in_content_parts_is_text(open_remote: OpenRemote) -> None:
    parts = [{"type": "text", "text": "hel"}, {"type": "image_url"}, "?", {"type": "text", "text": "lo"}]
    thought = [{"type": "text", "text": "hm"}]
    async with raw_server(head(), chunk(reasoning_content=thought), chunk("stop", content=parts)) as url:
        engine = open_remote(url)
        message = (await answer_of(engine, ask())).message()
        await engine.aclose()
    assert (message.reasoning_content, message.content) == ("hm", "hello")
