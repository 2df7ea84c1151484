import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.endpoint import DIALECTS, DialectName, Endpoint
from glmcode_engine.messages import Message, Request, ToolCall
from glmcode_engine.wire import message_body, request_body
from tests.engine.answers import READ_TOOL, answer_of
from tests.engine.conftest import OpenRemote
from tests.simulated import SimulatedEndpoint

texts = st.text(max_size=30)
calls = st.builds(ToolCall, id=texts, name=texts, arguments=texts | st.just('{"path": "a.py"}'))
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=texts,
    reasoning_content=st.none() | texts,
    tool_calls=st.lists(calls, max_size=2).map(tuple),
    tool_call_id=st.none() | texts,
)


def bytes_of(request: Request, dialect: DialectName) -> bytes:
    body = request_body(request, Endpoint(base_url="http://h/v1", model="glm-4.6", dialect=dialect))
    return json.dumps(body, ensure_ascii=False).encode()


@given(st.lists(messages, min_size=1, max_size=6), messages, st.sampled_from(sorted(DIALECTS)))
def test_a_longer_conversation_only_adds_bytes_at_the_end(
    earlier: list[Message], later: Message, dialect: DialectName
) -> None:
    before = bytes_of(Request(messages=tuple(earlier), tools=(READ_TOOL,)), dialect)
    after = bytes_of(Request(messages=(*earlier, later), tools=(READ_TOOL,)), dialect)
    assert after.startswith(before.removesuffix(b"]}"))


@given(calls)
def test_arguments_on_the_wire_are_always_a_json_object(call: ToolCall) -> None:
    message = Message(role="assistant", tool_calls=(call,))
    sent = message_body(message)["tool_calls"][0]["function"]["arguments"]
    assert isinstance(json.loads(sent), dict)
    json.dumps(json.loads(sent), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ('{"a":  1}', '{"a":  1}'),
        ("", "{}"),
        (" ", "{}"),
        ("[1]", '{"malformed_arguments": "[1]"}'),
        ('{"a": NaN}', '{"malformed_arguments": "{\\"a\\": NaN}"}'),
        ('{"a": "\\ud800"}', '{"malformed_arguments": "{\\"a\\": \\"\\\\ud800\\"}"}'),
        ('{"path": "a', '{"malformed_arguments": "{\\"path\\": \\"a"}'),
        ("[" * 100_000, json.dumps({"malformed_arguments": "[" * 100_000})),
    ],
)
def test_good_arguments_go_out_unchanged_and_others_wrapped(arguments: str, sent: str) -> None:
    call = ToolCall(id="1", name="read", arguments=arguments)
    body = message_body(Message(role="assistant", tool_calls=(call,)))
    assert body["tool_calls"][0]["function"]["arguments"] == sent


def test_reasoning_goes_back_under_every_name_the_server_may_read() -> None:
    thought = Message(role="assistant", content="x", reasoning_content="because")
    assert message_body(thought, DIALECTS["zai"].reasoning_keys)["reasoning_content"] == "because"
    for dialect in ("vllm", "sglang"):
        body = message_body(thought, DIALECTS[dialect].reasoning_keys)
        assert (body["reasoning"], body["reasoning_content"]) == ("because", "because")


@pytest.mark.parametrize(
    ("dialect", "on", "off"),
    [
        ("zai", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
        ("openrouter", {"reasoning": {"enabled": True}}, {"reasoning": {"enabled": False}}),
        ("novita", {"enable_thinking": True}, {"enable_thinking": False}),
    ],
)
def test_thinking_fields(dialect: DialectName, on: dict[str, object], off: dict[str, object]) -> None:
    for thinking, fields in ((True, on), (False, off)):
        request = Request(messages=(Message(role="user", content="x"),), thinking=thinking)
        body = request_body(request, Endpoint(base_url="http://h/v1", model="m", dialect=dialect))
        assert fields.items() <= body.items()


def test_a_model_that_is_no_glm_keeps_its_own_sampling() -> None:
    request = Request(messages=(Message(role="user", content="x"),), max_tokens=9)
    body = request_body(request, Endpoint(base_url="http://h/v1", model="llama", dialect="plain"))
    assert body.keys() == {"model", "stream", "stream_options", "max_tokens", "messages"}


async def test_each_body_of_a_real_loop_extends_the_one_before(open_remote: OpenRemote) -> None:
    entry = {"reasoning": "hm", "content": "c", "tool_calls": [{"name": "read", "arguments": '{"path": "a'}]}
    history = [Message(role="user", content="go")]
    async with SimulatedEndpoint([entry] * 4) as server:
        engine = open_remote(server)
        for _ in range(4):
            answer = (await answer_of(engine, Request(messages=tuple(history), tools=(READ_TOOL,)))).message()
            result = Message(role="tool", content="bad arguments", tool_call_id=answer.tool_calls[0].id)
            history += [answer, result]
        await engine.aclose()
        bodies = [request.raw for request in server.requests]

    for before, after in itertools.pairwise(bodies):
        assert after.startswith(before.removesuffix(b"]}"))
