import asyncio
import socket
import ssl
from typing import Any

import pytest

from glmcode_engine.base import EngineError, TextDelta
from tests.engine.answers import ask, parts_of
from tests.engine.conftest import OpenRemote
from tests.simulated import Flavor, SimulatedEndpoint

KEY = "sk-test-0123456789"
FLAVORS: tuple[Flavor, ...] = ("zai", "sglang", "vllm")


async def failure_of(open_remote: OpenRemote, server: SimulatedEndpoint | str, **options: Any) -> EngineError:
    engine = open_remote(server, **options)
    try:
        with pytest.raises(EngineError) as caught:
            await parts_of(engine, ask())
    finally:
        await engine.aclose()
    assert KEY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_refused_key(flavor: Flavor, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([], flavor=flavor, key="sk-other") as server:
        error = await failure_of(open_remote, server, api_key=KEY)
    assert (error.kind, error.retry) == ("auth", "never")
    assert "GLMCODE_API_KEY" in str(error)


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_the_right_key_is_accepted(flavor: Flavor, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "ok"}], flavor=flavor, key=KEY) as server:
        engine = open_remote(server, api_key=KEY)
        assert TextDelta("ok") in await parts_of(engine, ask())
        await engine.aclose()


async def test_a_missing_key_is_named_as_such(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([], key="sk-other") as server:
        error = await failure_of(open_remote, server, api_key=None)
    assert error.kind == "auth"
    assert "no key was sent" in str(error)


@pytest.mark.parametrize("flavor", ["zai", "vllm"])
async def test_an_unknown_model(flavor: Flavor, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([], flavor=flavor, model="glm-4.6") as server:
        error = await failure_of(open_remote, server, model="glm-9")
    assert error.kind == "bad_request"
    assert "--model" in str(error)


async def test_a_wrong_path(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([]) as server:
        error = await failure_of(open_remote, server.base_url.replace("/v1", "/v7"))
    assert (error.kind, error.retry) == ("unreachable", "never")
    assert "--base-url" in str(error)


async def test_a_redirect_is_not_followed(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "from elsewhere"}]) as other:
        target = f"{other.base_url}/chat/completions"
        async with SimulatedEndpoint([{"error": {"status": 307, "location": target}}]) as server:
            error = await failure_of(open_remote, server)
        assert other.paths == []
    assert (error.kind, error.retry) == ("unreachable", "never")
    assert "--base-url" in str(error)


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("ALL_PROXY", "socks5://me:hunter2@127.0.0.1:1", "socksio"),
        ("HTTPS_PROXY", "ftp://me:hunter2@127.0.0.1:1", "HTTPS_PROXY"),
        ("SSL_CERT_FILE", "/nonexistent/ca.pem", "SSL_CERT_FILE"),
    ],
)
async def test_an_environment_the_client_cannot_use(
    variable: str, value: str, remedy: str, open_remote: OpenRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    error = await failure_of(open_remote, "https://127.0.0.1:1/v1")
    assert error.kind == "bad_request"
    assert remedy in str(error)
    assert "hunter2" not in str(error)


async def test_a_refused_connection(open_remote: OpenRemote) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://me:pw@127.0.0.1:{free.getsockname()[1]}/v1?token=t"
        error = await failure_of(open_remote, url)
    assert (error.kind, error.retry) == ("unreachable", "briefly")
    assert "refuses connections" in str(error)
    assert "--base-url" in str(error)
    assert "pw" not in str(error)
    assert "token" not in str(error)


async def test_an_unknown_host(open_remote: OpenRemote) -> None:
    error = await failure_of(open_remote, "http://no-such-host.invalid/v1")
    assert (error.kind, error.retry) == ("unreachable", "briefly")
    assert "http://no-such-host.invalid/v1" in str(error)


async def test_tls_asked_of_a_plain_server(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([]) as server:
        error = await failure_of(open_remote, server.base_url.replace("http://", "https://"), connect_timeout_s=0.5)
    assert error.kind == "unreachable"
    assert "TLS" in str(error)


async def test_a_stall_names_the_seconds_and_the_flag(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "never comes", "stall_s": 30}]) as server:
        error = await failure_of(open_remote, server, idle_timeout_s=0.25)
        assert server.requests[0].ended_at is None
    assert (error.kind, error.retry) == ("unreachable", "patiently")
    assert "0.25 s" in str(error)
    assert "--idle-timeout" in str(error)


async def test_silence_shorter_than_the_timeout_is_no_stall(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "late", "stall_s": 0.2}]) as server:
        engine = open_remote(server, idle_timeout_s=5)
        assert TextDelta("late") in await parts_of(engine, ask())
        await engine.aclose()


@pytest.mark.parametrize("entry", [{"reset": True}, {"content": "half an", "reset": True}])
async def test_a_reset_connection(entry: dict[str, Any], open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([entry]) as server:
        error = await failure_of(open_remote, server)
    assert (error.kind, error.retry) == ("unreachable", "patiently")
    assert "broke off" in str(error)


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_stream_that_ends_without_finishing(flavor: Flavor, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "half an", "cut": True}], flavor=flavor) as server:
        error = await failure_of(open_remote, server)
    assert error.kind == "unreachable"
    assert "ended without finishing" in str(error)


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_an_error_inside_the_stream(flavor: Flavor, open_remote: OpenRemote) -> None:
    fault = {"status": 500, "message": "scheduler died", "in_stream": True}
    async with SimulatedEndpoint([{"content": "half", "error": fault}], flavor=flavor) as server:
        error = await failure_of(open_remote, server)
    assert error.kind == "unreachable"
    assert "scheduler died" in str(error)


@pytest.mark.parametrize(
    "raw",
    [
        "{not json",
        '{"object":"error","message":"flat","code":500}',
        '{"error":"just text"}',
        "[" * 100_000,
        "[]",
        '"text"',
    ],
)
async def test_nonsense_in_the_stream_is_an_engine_error(raw: str, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"raw": (raw,), "cut": True}]) as server:
        error = await failure_of(open_remote, server)
    assert error.kind == "unreachable"


async def test_a_web_page_instead_of_a_stream(open_remote: OpenRemote) -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(page, "127.0.0.1", 0) as server:
        error = await failure_of(open_remote, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    assert error.kind == "unreachable"
    assert "no event stream" in str(error)


async def test_a_busy_server_says_when_to_come_back(open_remote: OpenRemote) -> None:
    fault = {"status": 429, "code": "1302", "message": "High concurrency", "retry_after": "3"}
    async with SimulatedEndpoint([{"error": fault}], flavor="zai") as server:
        error = await failure_of(open_remote, server)
    assert (error.kind, error.retry, error.retry_after_s) == ("rate_limited", "patiently", 3.0)


async def test_a_used_up_plan_is_not_worth_waiting_for(open_remote: OpenRemote) -> None:
    text = "Usage limit reached for 5 hour. Your limit will reset at 2026-11-23 22:00:00"
    async with SimulatedEndpoint([{"error": {"status": 429, "code": "1308", "message": text}}], flavor="zai") as server:
        error = await failure_of(open_remote, server)
    assert (error.kind, error.retry) == ("rate_limited", "never")
    assert "22:00:00" in str(error)


async def test_text_of_the_server_reaches_nobody_raw(open_remote: OpenRemote) -> None:
    text = f"bad\x1b[31m\x1b]0;title\x07 key {KEY}\u202e\r\nnext" + "x" * 2000
    async with SimulatedEndpoint([{"error": {"status": 400, "message": text}}]) as server:
        error = await failure_of(open_remote, server, api_key=KEY)
    assert str(error).isprintable()
    assert "title" not in str(error)
    assert len(str(error)) < 800


def test_certificate_errors_name_the_certificate() -> None:
    from glmcode_engine.endpoint import resolve_endpoint
    from glmcode_engine.transport import transport_error

    error = OSError("wrapped")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    found = transport_error(error, resolve_endpoint("https://a.example/v1", "glm-4.6"))
    assert (found.kind, found.retry) == ("unreachable", "never")
    assert "certificate" in str(found)
