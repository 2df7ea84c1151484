"""The guard around an engine that gives answers up and begins anew."""

from typing import Any

from glmcode_engine.base import ReasoningDelta, Repaired, RetryNotice, Stop, StreamPart, TextDelta, ToolCallDelta
from glmcode_engine.guard import GuardedEngine
from glmcode_engine.patience import PatientEngine
from tests.engine.answers import answer_of
from tests.engine.conftest import OpenRemote
from tests.engine.guard.streams import REQUEST, play
from tests.simulated import SimulatedEndpoint

LEAKED = "<tool_call>read\n<arg_key>path</arg_key>\n<arg_value>a.py</arg_value>\n</tool_call>"
AGAIN: list[StreamPart] = [Repaired("broken_stream", "asked again", restarts=True), RetryNotice(1, 0.0, "reset")]


async def test_text_and_calls_from_before_a_restart_are_void_also_where_they_were_held_back() -> None:
    cut: list[StreamPart] = [TextDelta(f"hm {LEAKED[:-20]}"), ToolCallDelta(0, "x", "run_tests", "{}")]
    played = await play([*cut, *AGAIN, TextDelta(f"now {LEAKED}"), Stop("stop")])
    assert played.error is None
    assert played.runs == [("read", {"path": "a.py"})]
    assert played.message.content == "now "
    assert played.repairs == ["broken_stream", "leaked_call"]


async def test_what_was_held_back_goes_out_before_the_restart_so_that_it_can_be_kept() -> None:
    played = await play([TextDelta(f"hm {LEAKED[:-20]}"), *AGAIN, TextDelta("good"), Stop("stop")])
    before = played.parts[: next(at for at, part in enumerate(played.parts) if isinstance(part, Repaired))]
    assert "".join(part.text for part in before if isinstance(part, TextDelta)) == f"hm {LEAKED[:-20]}"


async def test_thinking_before_a_restart_does_not_count_against_the_budget() -> None:
    thoughts = [ReasoningDelta(f"step {number * number}: {number**5} ") for number in range(150)]
    played = await play([*thoughts, *AGAIN, *thoughts, Stop("stop")], thinking_budget=1300)
    assert played.repairs == ["broken_stream"]


async def test_patience_inside_the_guard_doubles_nothing_on_a_real_wire(open_remote: OpenRemote) -> None:
    script: list[dict[str, Any]] = [{"content": f"hm {LEAKED}", "reset": True}, {"content": f"hm {LEAKED}"}]
    async with SimulatedEndpoint(script) as server:
        engine = GuardedEngine(PatientEngine(open_remote(server)))
        message = (await answer_of(engine, REQUEST)).message()
        await engine.aclose()
    assert message.content == "hm "
    assert [(call.name, call.arguments) for call in message.tool_calls] == [("read", '{"path": "a.py"}')]
