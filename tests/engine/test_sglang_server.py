import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing

import pytest

from glmcode_engine.base import EngineError
from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.guard import GuardedEngine
from glmcode_engine.messages import Message, Request, ToolSpec
from glmcode_engine.remote import RemoteEngine
from glmcode_engine.server_tokens import ServerTokens
from tests.engine.answers import READ_TOOL, answer_of, ask, folded, parts_of
from tests.sglang_cpu.checkpoint import WINDOW
from tests.sglang_cpu.rig import REQUESTS_AT_ONCE
from tests.sglang_cpu.scripted import Call, Reply, extra_body
from tests.sglang_cpu.serving import Served

pytestmark = pytest.mark.sglang

OpenScripted = Callable[..., RemoteEngine]

PLAN_TOOL = ToolSpec(
    name="plan",
    description="Note a plan.",
    parameters={
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "count": {"type": "integer"},
            "share": {"type": "number"},
            "urgent": {"type": "boolean"},
            "steps": {"type": "array", "items": {"type": "string"}},
            "owner": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
        "required": ["title"],
    },
)
ARGUMENTS = {
    "title": 'é "quoted"\n  two lines \\ & <b>',
    "count": -3,
    "share": 0.5,
    "urgent": True,
    "steps": ["one, two", "three"],
    "owner": {"name": "Zoë", "age": 7, "of": [1, None]},
}


@pytest.fixture
async def opened(sglang_server: Served) -> AsyncIterator[OpenScripted]:
    engines = []

    def open_(*replies: Reply, key: str = sglang_server.key) -> RemoteEngine:
        endpoint = resolve_endpoint(sglang_server.base_url, sglang_server.model, "sglang")
        engines.append(RemoteEngine(endpoint, api_key=key, extra_body=extra_body(replies)))
        return engines[-1]

    yield open_
    for engine in engines:
        await engine.aclose()


def calling(tool: ToolSpec) -> Request:
    return ask().model_copy(update={"tools": (READ_TOOL, tool)})


async def test_thinking_answer_and_call_come_structured_and_in_many_parts(opened: OpenScripted) -> None:
    thought, said = "I should look into the file before I answer.", "Let me read **a.py** – first ✅."
    engine = opened(Reply(thought, said, [Call("read", {"path": "a.py"})]))
    parts = await parts_of(engine, ask())
    kinds = [part.kind for part in parts]
    answer = folded(parts)
    message = answer.message()
    assert (message.reasoning_content or "").strip() == thought
    assert message.content.strip() == said
    assert [(call.name, json.loads(call.arguments)) for call in message.tool_calls] == [("read", {"path": "a.py"})]
    assert answer.stop == "tool_calls"
    assert min(kinds.count("reasoning"), kinds.count("text"), kinds.count("tool_call")) > 1


async def test_parallel_calls_keep_the_types_of_their_arguments(opened: OpenScripted) -> None:
    first, second = {**ARGUMENTS, "title": "12"}, {"title": "true", "urgent": False, "steps": [], "owner": {}}
    engine = opened(Reply("Two.", "", [Call("plan", ARGUMENTS), Call("plan", first), Call("plan", second)]))
    parts = await parts_of(GuardedEngine(engine), calling(PLAN_TOOL))
    message = folded(parts).message()
    assert [json.loads(call.arguments) for call in message.tool_calls] == [ARGUMENTS, first, second]
    assert len({call.id for call in message.tool_calls}) == 3
    assert [part for part in parts if part.kind == "repaired"] == []


async def test_a_call_without_arguments_arrives_as_one(opened: OpenScripted) -> None:
    ls = ToolSpec(name="ls", description="List.", parameters={"type": "object", "properties": {}})
    engine = opened(Reply("", "", [Call("ls", {})]))
    (call,) = (await answer_of(GuardedEngine(engine), calling(ls))).message().tool_calls
    assert (call.name, json.loads(call.arguments)) == ("ls", {})


async def test_thinking_off_reaches_the_template_and_nothing_is_thought(opened: OpenScripted) -> None:
    engine = opened(Reply("Loud.", "quiet", when="/nothink"), Reply("Thoughts.", "loud"))
    loud, quiet = await answer_of(engine, ask()), await answer_of(engine, ask(thinking=False))
    assert (loud.message().reasoning_content or "").strip() == "Thoughts."
    assert (loud.message().content.strip(), quiet.message().content.strip()) == ("loud", "quiet")
    assert not quiet.message().reasoning_content
    assert loud.usage is not None and loud.usage.reasoning_tokens > 0


async def test_the_second_step_finds_the_first_one_in_the_cache(opened: OpenScripted) -> None:
    engine = opened(Reply("I read it.", "Reading.", [Call("read", {"path": "a.py"})]), Reply("I see.", "It is empty."))
    request = ask(f"What is in a.py? {'Take care. ' * 100}")
    first = await answer_of(engine, request)
    answered = first.message()
    result = Message(role="tool", content="(empty)", tool_call_id=answered.tool_calls[0].id)
    second = await answer_of(engine, request.model_copy(update={"messages": (*request.messages, answered, result)}))
    assert second.message().content.strip() == "It is empty."
    assert first.usage is not None and second.usage is not None
    whole_first = first.usage.prompt_tokens + first.usage.completion_tokens
    assert whole_first - 3 <= second.usage.cached_tokens < second.usage.prompt_tokens


async def test_a_prompt_beyond_the_window_is_an_overflow(opened: OpenScripted) -> None:
    with pytest.raises(EngineError) as told:
        await answer_of(opened(), ask("word " * 2 * WINDOW))
    assert told.value.kind == "overflow"


async def test_the_server_tells_its_window_and_counts_as_it_bills(opened: OpenScripted) -> None:
    engine = opened(Reply("Yes.", "ok"))
    request = ask("héllo " * 50)
    tokens = ServerTokens(engine)
    assert await tokens.window() == WINDOW
    usage = (await answer_of(engine, request)).usage
    assert usage is not None
    assert await tokens.count(request) == usage.prompt_tokens


async def test_a_wrong_key_is_told_as_one(opened: OpenScripted) -> None:
    with pytest.raises(EngineError) as told:
        await answer_of(opened(key="sk-of-somebody-else"), ask())
    assert told.value.kind == "auth"
    assert "sk-of-somebody-else" not in str(told.value)


async def test_an_answer_that_is_cut_says_so(opened: OpenScripted) -> None:
    engine = opened(Reply("", "one two three four five six seven eight nine ten"))
    answer = await answer_of(engine, ask().model_copy(update={"max_tokens": 8}))
    assert answer.stop == "length"
    assert answer.usage is not None and answer.usage.completion_tokens == 8


async def test_answers_that_are_left_early_free_the_server(opened: OpenScripted) -> None:
    endless = [opened(Reply("", "word " * 6000)) for _ in range(REQUESTS_AT_ONCE)]
    async with AsyncExitStack() as leaving:
        for engine in endless:
            parts = await leaving.enter_async_context(aclosing(engine.stream(ask())))
            async for part in parts:
                if part.kind == "text":
                    break
    async with asyncio.timeout(20):
        answer = await answer_of(opened(Reply("", "At last.")), ask())
    assert answer.message().content.strip() == "At last."


async def test_the_parsers_were_found_by_the_template(sglang_server: Served) -> None:
    log = sglang_server.log.read_text("utf-8", "replace")
    assert set(re.findall(r"Auto-detected --(\S+)-parser as '(\w+)'", log)) == {
        ("reasoning", "glm45"),
        ("tool-call", "glm45"),
    }
