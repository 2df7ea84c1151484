import asyncio
import json
import os
from contextlib import aclosing

import pytest

from glmcode_engine.base import EngineError, ReasoningDelta, Stop, TextDelta, ToolCallDelta, UsageReport
from glmcode_engine.messages import Message, Request
from tests.engine.answers import answer_of, ask, parts_of
from tests.engine.conftest import OpenRemote
from tests.simulated import Flavor, SimulatedEndpoint

FLAVORS: tuple[Flavor, ...] = ("zai", "sglang", "vllm")
TWO_CALLS = {
    "reasoning": "I should look at the file — 先看看.",
    "content": "Reading both.",
    "tool_calls": [
        {"name": "read", "arguments": {"path": "src/ä.py"}},
        {"name": "read", "arguments": {"path": "b.py", "limit": 5}},
    ],
}


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_an_answer_with_calls_arrives_whole_from_every_server(flavor: Flavor, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([TWO_CALLS], flavor=flavor) as server:
        engine = open_remote(server, dialect=flavor)
        answer = await answer_of(engine, ask())
        await engine.aclose()

    message = answer.message()
    assert message.reasoning_content == TWO_CALLS["reasoning"]
    assert message.content == TWO_CALLS["content"]
    assert [(c.name, json.loads(c.arguments)) for c in message.tool_calls] == [
        ("read", {"path": "src/ä.py"}),
        ("read", {"path": "b.py", "limit": 5}),
    ]
    assert len({call.id for call in message.tool_calls}) == 2
    assert answer.stop == "tool_calls"
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_parts_come_in_order_and_stop_comes_last(flavor: Flavor, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([TWO_CALLS], flavor=flavor) as server:
        engine = open_remote(server, dialect=flavor)
        parts = await parts_of(engine, ask())
        await engine.aclose()

    order = [type(part) for i, part in enumerate(parts) if i == 0 or type(part) is not type(parts[i - 1])]
    assert order == [ReasoningDelta, TextDelta, ToolCallDelta, UsageReport, Stop]
    assert sum(isinstance(part, ReasoningDelta) for part in parts) > 2


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_a_second_request_reports_its_cached_beginning(flavor: Flavor, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([TWO_CALLS, {"content": "done"}], flavor=flavor) as server:
        engine = open_remote(server, dialect=flavor)
        request = ask()
        first = (await answer_of(engine, request)).message()
        results = tuple(Message(role="tool", content="x = 1", tool_call_id=c.id) for c in first.tool_calls)
        second = await answer_of(engine, Request(messages=(*request.messages, first, *results), tools=request.tools))
        await engine.aclose()

    assert second.usage is not None
    assert 0 < second.usage.cached_tokens < second.usage.prompt_tokens


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_thinking_is_switched_in_each_servers_own_way(flavor: Flavor, open_remote: OpenRemote) -> None:
    entry = {"reasoning": "hm", "content": "hi"}
    async with SimulatedEndpoint([entry, entry], flavor=flavor) as server:
        engine = open_remote(server, dialect=flavor)
        thought = (await answer_of(engine, ask(thinking=True))).message()
        blunt = (await answer_of(engine, ask(thinking=False))).message()
        await engine.aclose()

    assert thought.reasoning_content == "hm"
    assert blunt.reasoning_content is None


async def test_the_body_holds_what_was_asked_and_the_extras(open_remote: OpenRemote) -> None:
    extra = {"chat_template_kwargs": {"note": "x"}, "top_p": None, "seed": 7}
    async with SimulatedEndpoint([{"content": "ok"}], model="GLM-4.6-FP8") as server:
        engine = open_remote(server, model="GLM-4.6-FP8", extra_body=extra)
        await answer_of(engine, ask("hé\u2028"))
        await engine.aclose()
        [request] = server.requests

    body = request.body
    assert body["model"] == "GLM-4.6-FP8"
    assert body["stream"] is True
    assert body["temperature"] == 1.0
    assert "top_p" not in body
    assert body["seed"] == 7
    assert body["chat_template_kwargs"] == {"enable_thinking": True, "note": "x"}
    assert body["messages"][1] == {"role": "user", "content": "hé\u2028"}
    assert body["tools"][0]["function"]["name"] == "read"


async def test_without_a_key_none_is_sent_even_if_the_environment_holds_one(
    open_remote: OpenRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setitem(os.environ, name, "from-the-environment")
    async with SimulatedEndpoint([{"content": "ok"}]) as server:
        engine = open_remote(server, api_key=None)
        await answer_of(engine, ask())
        await engine.aclose()
        [request] = server.requests

    assert "authorization" not in request.headers
    assert "from-the-environment" not in str(request.headers)


async def test_a_proxy_is_not_asked_for_loopback(open_remote: OpenRemote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delitem(os.environ, "NO_PROXY", raising=False)
    async with SimulatedEndpoint([{"content": "direct"}]) as server:
        engine = open_remote(server)
        assert (await answer_of(engine, ask())).message().content == "direct"
        await engine.aclose()


async def test_closing_the_iterator_early_ends_the_request_at_the_server(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "x" * 50, "stall_s": 60}]) as server:
        engine = open_remote(server)
        asking = asyncio.create_task(anext(engine.stream(ask())))
        await server.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(5):
            await server.idle.wait()
        assert server.requests[0].ended_at is None
        await engine.aclose()


async def test_leaving_in_the_middle_closes_the_connection(open_remote: OpenRemote) -> None:
    endless = {"content": "word " * 20_000}
    async with SimulatedEndpoint([endless]) as server:
        engine = open_remote(server)
        async with aclosing(engine.stream(ask())) as parts:
            async for part in parts:
                assert isinstance(part, TextDelta)
                break
        async with asyncio.timeout(5):
            await server.idle.wait()
        assert server.requests[0].ended_at is None
        await engine.aclose()


async def test_one_connection_serves_the_whole_session(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint(lambda request, number: {"content": str(number)}) as server:
        engine = open_remote(server)
        for number in range(4):
            assert (await answer_of(engine, ask())).message().content == str(number)
        await engine.aclose()
        assert server.connections == 1


async def test_a_closed_engine_may_be_closed_again_but_not_asked(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "ok"}]) as server:
        engine = open_remote(server)
        await engine.aclose()
        await engine.aclose()
        with pytest.raises(RuntimeError):
            await answer_of(engine, ask())


async def test_info_shows_no_user_information(open_remote: OpenRemote) -> None:
    engine = open_remote("http://me:secret@127.0.0.1:9/v1?token=t")
    assert engine.info.base_url == "http://127.0.0.1:9/v1"


def test_messages_cannot_be_replaced_by_extras(open_remote: OpenRemote) -> None:
    with pytest.raises(ValueError, match="messages"):
        open_remote("http://127.0.0.1:9/v1", extra_body={"messages": []})


async def test_calls_with_the_same_index_and_whole_arguments_stay_apart(open_remote: OpenRemote) -> None:
    def call(name: str, call_id: str) -> str:
        inner = {"index": 0, "id": call_id, "function": {"name": name, "arguments": {"path": name}}}
        return json.dumps({"choices": [{"delta": {"tool_calls": [inner]}}]})

    raw = (call("a", "1"), call("b", "2"), '{"choices":[{"finish_reason":"tool_calls"}]}', "[DONE]")
    async with SimulatedEndpoint([{"raw": raw}]) as server:
        engine = open_remote(server)
        message = (await answer_of(engine, ask())).message()
        await engine.aclose()

    assert [(c.id, c.name, json.loads(c.arguments)["path"]) for c in message.tool_calls] == [
        ("1", "a", "a"),
        ("2", "b", "b"),
    ]


async def test_a_complete_answer_counts_though_the_server_never_ends_the_stream(open_remote: OpenRemote) -> None:
    raw = ('{"choices":[{"delta":{"content":"whole"},"finish_reason":"stop"}]}', "[DONE]")
    async with SimulatedEndpoint([{"raw": raw, "stall_s": 30}]) as server:
        engine = open_remote(server, idle_timeout_s=0.3)
        answer = await answer_of(engine, ask())
        await engine.aclose()

    assert (answer.message().content, answer.stop) == ("whole", "stop")


@pytest.mark.parametrize("reason", ["network_error", "abort"])
async def test_a_finish_reason_that_means_broken_off_is_an_error(reason: str, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{"content": "x", "finish_reason": reason}]) as server:
        engine = open_remote(server)
        with pytest.raises(EngineError) as caught:
            await answer_of(engine, ask())
        await engine.aclose()

    assert caught.value.kind == "unreachable"
