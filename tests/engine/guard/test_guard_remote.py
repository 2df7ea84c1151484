import asyncio
import json
from typing import Any

import pytest

from glmcode_engine.base import Repaired
from glmcode_engine.guard import GuardedEngine
from glmcode_engine.patience import PatientEngine
from tests.engine.answers import answer_of, parts_of
from tests.engine.conftest import OpenRemote
from tests.engine.guard.streams import REQUEST
from tests.simulated import Entry, Flavor, SimulatedEndpoint

LEAKED = "<tool_call>read\n<arg_key>path</arg_key>\n<arg_value>a.py</arg_value>\n</tool_call>"
FLAVORS: list[Flavor] = ["zai", "sglang", "vllm"]


def chunk(reason: str | None = None, **delta: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("where", ["content", "reasoning"])
async def test_a_leaked_call_is_recovered(flavor: Flavor, where: str, open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint([{where: f"hm {LEAKED}"}], flavor=flavor) as server:
        engine = GuardedEngine(PatientEngine(open_remote(server)))
        message = (await answer_of(engine, REQUEST)).message()
        await engine.aclose()
    assert [(call.name, call.arguments) for call in message.tool_calls] == [("read", '{"path": "a.py"}')]
    assert "<" not in message.content + (message.reasoning_content or "")


@pytest.mark.parametrize("flavor", FLAVORS)
async def test_degenerate_thinking_is_broken_off_and_asked_again_without(
    flavor: Flavor, open_remote: OpenRemote
) -> None:
    script = [Entry(reasoning="!" * 200_000, content="never"), Entry(reasoning="hm", content="good")]
    async with SimulatedEndpoint(script, flavor=flavor) as server:
        engine = GuardedEngine(PatientEngine(open_remote(server, dialect="zai" if flavor == "zai" else "auto")))
        async with asyncio.timeout(20):
            parts = await parts_of(engine, REQUEST)
        await engine.aclose()
    assert [part.repair for part in parts if isinstance(part, Repaired)] == ["degenerate"]
    assert [part.text for part in parts if part.kind == "text"] == ["good"]
    first, second = (request.body for request in server.requests)
    assert server.requests[0].ended_at is None, "the client left in the middle of the answer"
    off = (
        {"thinking": {"type": "disabled"}} if flavor == "zai" else {"chat_template_kwargs": {"enable_thinking": False}}
    )
    assert {key: second[key] for key in off} == off != {key: first[key] for key in off}
    assert second["messages"] == first["messages"]


async def test_null_fields_empty_names_and_double_ids_make_only_real_calls(open_remote: OpenRemote) -> None:
    def call(index: int, name: str | None, arguments: str | None, call_id: str | None = "same") -> dict[str, Any]:
        return {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}

    raw = (
        chunk(role="assistant", content=None, reasoning_content=None, tool_calls=None),
        chunk(tool_calls=[call(0, "read\n", None)]),
        chunk(tool_calls=[call(0, None, '{"path": "a.py"}{"path": "b.py"}', None)]),
        chunk(tool_calls=[call(1, "", '{"path": "c.py"}', "other")]),
        chunk(tool_calls=[call(2, "run_tests", "null")]),
        chunk("tool_calls", content=""),
        "[DONE]",
    )
    async with SimulatedEndpoint([Entry(raw=raw)]) as server:
        engine = GuardedEngine(PatientEngine(open_remote(server)))
        message = (await answer_of(engine, REQUEST)).message()
        await engine.aclose()
    assert [(call.name, call.arguments) for call in message.tool_calls] == [
        *(("read", '{"path": "a.py"}'), ("read", '{"path": "b.py"}'), ("run_tests", "{}"))
    ]
    assert len({call.id for call in message.tool_calls}) == 3
