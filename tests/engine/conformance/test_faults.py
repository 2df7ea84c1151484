import json
from collections.abc import Mapping
from typing import Any

import pytest

from glmcode_engine.conformance.evidence import CheckResult
from glmcode_engine.conformance.exchanges import ExchangeName
from glmcode_engine.script import ScriptedCall
from tests.engine.conformance.model import GoodModel, calls
from tests.engine.conformance.test_endpoints import examined
from tests.simulated import Entry, Fault, Flavor, SimulatedEndpoint

Wrong = Mapping[ExchangeName, Entry]
LONG = "I think about it for quite some time, since it is not at all obvious what the answer might be. "
LEAKED = "<tool_call>look_up\n<arg_key>name</arg_key>\n<arg_value>harbour</arg_value>\n</tool_call>"


def raw(*deltas: dict[str, Any], finish: str = "stop", usage: dict[str, Any] | None = None) -> Entry:
    """A stream of these deltas, with or without a count."""
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage})
    return Entry(raw=(*(json.dumps(chunk) for chunk in chunks), "[DONE]"))


def tool(**piece: Any) -> dict[str, Any]:
    index, call_id = piece.pop("index", 0), piece.pop("id", None)
    return {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": piece}]}


def used(prompt: int, completion: int = 5) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion}


async def found(wrong: Wrong, flavor: Flavor = "sglang", window: int | None = None) -> dict[str, CheckResult]:
    async with SimulatedEndpoint(GoodModel(flavor, wrong), flavor=flavor) as server:
        record = await examined(server, flavor, window)
    return {check.name: check for check in record.checks}


HARBOUR = tool(id="a", name="look_up", arguments='{"name": "harbour"}')
STORE = json.loads(calls()[2].arguments)

FAULTS: list[tuple[str, str, str, Wrong]] = [
    ("answers", "fail", "empty", {"hello": Entry(content="")}),
    ("answers", "fail", "refused", {"hello": Entry(error=Fault(status=400, message="no such field"))}),
    ("thinking_off", "fail", "told not to", {"hello": raw({"reasoning_content": LONG}, {"content": "ready"})}),
    ("thinking_off", "fail", "told not to", {"hello": Entry(content=f"<think>{LONG}</think>ready")}),
    ("thinking_off", "warn", "empty think pair", {"hello": Entry(content="<think></think>ready")}),
    ("thinking_on", "fail", "in the answer's text", {"think": Entry(content=f"{LONG}</think>13:25")}),
    ("thinking_on", "warn", "did not think", {"think": Entry(content="13:25")}),
    ("thinking_on", "warn", "no answer", {"think": Entry(reasoning=LONG, finish_reason="length")}),
    ("reasoning_streamed", "warn", "one piece", {"think": raw({"reasoning_content": LONG}, {"content": "13:25"})}),
    ("reasoning_streamed", "skipped", "no reasoning", {"think": Entry(content="13:25")}),
    ("reasoning_accepted", "fail", "extra inputs", {"results": Entry(error=Fault(status=422, message="extra inputs"))}),
    ("reasoning_accepted", "warn", "not shown it", {"results": raw({"content": "x"}, usage=used(380))}),
    ("reasoning_accepted", "ok", "cannot be told", {"results": raw({"content": "x"})}),
    ("tool_call", "fail", "no call", {"calls": Entry(content="I will look it up.")}),
    ("tool_call", "fail", "unknown tool", {"calls": raw(tool(id="a", name="search", arguments="{}"))}),
    ("tool_call", "warn", "recovers them (look_up)", {"calls": Entry(content=LEAKED)}),
    ("tool_call", "warn", "not tool_calls", {"calls": Entry(tool_calls=calls(), finish_reason="stop")}),
    ("tool_call", "fail", "HTTP 500", {"calls": Entry(error=Fault(status=400, message="HTTP 500 inside"))}),
    ("tool_call_streamed", "warn", "whole", {"calls": raw(HARBOUR, finish="tool_calls")}),
    ("tool_call_streamed", "warn", "no name", {"calls": raw(tool(id="a", arguments="{"), tool(name="store"))}),
    ("parallel_calls", "warn", "one call", {"calls": Entry(tool_calls=calls()[:1])}),
    ("parallel_calls", "warn", "2 calls have 1 ids", {"calls": raw(HARBOUR, {"tool_calls": [
        {"index": 1, "function": {"name": "look_up", "arguments": '{"name": "orchard"}'}}
    ]}, finish="tool_calls")}),
    ("parallel_calls", "skipped", "no call", {"calls": Entry(content="done")}),
    ("argument_types", "warn", 'count (integer) is "3"', {"calls": Entry(tool_calls=calls(count="3"))}),
    ("argument_types", "warn", "tags (array)", {"calls": Entry(tool_calls=calls(tags='["red", "blue"]'))}),
    ("argument_types", "warn", "options (object)", {"calls": Entry(tool_calls=calls(options='{"depth": 2}'))}),
    ("argument_types", "warn", "enabled (boolean)", {"calls": Entry(tool_calls=calls(enabled="true"))}),
    ("argument_types", "fail", "no safe repair", {"calls": Entry(tool_calls=calls(count="three"))}),
    ("argument_types", "fail", "no safe repair", {"calls": Entry(tool_calls=calls(text=["say"]))}),
    ("argument_types", "fail", "integer", {"calls": Entry(tool_calls=calls(count=True))}),
    ("argument_types", "warn", "not as asked for: text", {"calls": Entry(tool_calls=calls(text='say "hi"\\nnaïve ☃'))}),
    ("argument_types", "warn", "missing: text", {"calls": Entry(tool_calls=(ScriptedCall(
        name="store", arguments=json.dumps({key: value for key, value in STORE.items() if key != "text"})
    ),))}),
    ("argument_types", "warn", "the guard repairs them", {"calls": Entry(tool_calls=(ScriptedCall(
        name="store", arguments=f"```json\n{json.dumps(STORE)}\n```"
    ),))}),
    ("argument_types", "fail", "no JSON object", {"calls": Entry(tool_calls=(ScriptedCall(
        name="store", arguments='{"count": 3, "ratio'
    ),))}),
    ("argument_types", "skipped", "not called", {"calls": Entry(tool_calls=calls()[:2])}),
    ("tool_results", "fail", "swapped", {"results": Entry(content="teal-86 plum-31")}),
    ("tool_results", "warn", "both", {"results": Entry(content="plum-31")}),
    ("long_tool_result", "fail", "too much", {"log": Entry(error=Fault(status=400, message="too much"))}),
    ("long_tool_result", "warn", "not found", {"log": Entry(content="I cannot see a log.")}),
    ("usage", "fail", "no usage", {"hello": raw({"content": "ready"})}),
    ("cache", "warn", "no cached tokens", {"limited": raw({"content": "1"}, finish="length", usage=used(9000))}),
    ("cache", "skipped", "without usage", {"limited": raw({"content": "1"}, finish="length")}),
    ("cache", "warn", "only 800", {"limited": raw({"content": "1"}, finish="length", usage={
        **used(9000), "prompt_tokens_details": {"cached_tokens": 800}
    })}),
    ("token_counter", "warn", "differ", {"hello": raw({"content": "ready"}, usage=used(500))}),
    ("max_tokens", "fail", "90 tokens came", {"limited": raw({"content": "1"}, usage=used(9000, 90))}),
    ("max_tokens", "warn", "not length", {"limited": Entry(content="1 2 3")}),
    ("early_stop", "fail", "closed stream failed", {"limited": Entry(error=Fault(status=400, message="slot is gone"))}),
    ("early_stop", "skipped", "before its stream was closed", {"left": Entry(content="1")}),
    ("overflow", "warn", "answered", {"beyond_window": Entry(content="ready"), "too_long": Entry(content="ready")}),
    ("overflow", "fail", "words we do not know", {
        "beyond_window": Entry(error=Fault(status=400, message="value error")),
        "too_long": Entry(error=Fault(status=400, message="that is too big for me")),
    }),
    ("overflow", "ok", "understood", {
        "beyond_window": Entry(content="ready"),
        "too_long": Entry(content="re", finish_reason="model_context_window_exceeded"),
    }),
    ("unknown_model", "warn", "all the same", {}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "status", "said", "wrong"), FAULTS, ids=[f"{each[0]}-{each[2]}" for each in FAULTS])
async def test_what_is_wrong_is_found(check: str, status: str, said: str, wrong: Wrong) -> None:
    result = (await found(wrong))[check]
    assert (result.status, said in result.detail) == (status, True), result


async def test_one_fault_leaves_the_other_checks_alone() -> None:
    results = await found({"calls": Entry(tool_calls=calls(count="3"))})
    assert {name for name, each in results.items() if each.status != "ok"} == {"argument_types", "unknown_model"}


async def test_a_prompt_beyond_the_window_is_sent_only_where_it_is_wanted_and_the_window_known() -> None:
    wrong: Wrong = {"beyond_window": Entry(content="ready")}
    async with SimulatedEndpoint(GoodModel("zai", wrong), flavor="zai") as server:
        records = [
            await examined(server, "zai", 50_000, long_prompt=True),
            await examined(server, "zai", 50_000, long_prompt=False),
            await examined(server, "zai", None, long_prompt=True),
        ]
    overflow = [check for record in records for check in record.checks if check.name == "overflow"]
    assert [record.requests for record in records] == [10, 9, 9]
    assert [check.status for check in overflow] == ["ok", "skipped", "skipped"]
    assert "--thorough" in overflow[1].detail and "--window" in overflow[2].detail
