from typing import Any

import openai  # noqa: F401  what the engine imports when it first asks, so that no test's time goes into it
import pytest

from glmcode.cli.engine_check import texts
from glmcode_engine.conformance.checks import CHECKS
from glmcode_engine.conformance.conduct import Conformance, conduct
from glmcode_engine.dialects import DialectName
from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.remote import RemoteEngine
from tests.engine.conformance.model import GoodModel
from tests.simulated import Entry, Fault, Flavor, SimulatedEndpoint
from tests.simulated.wire import WINDOW


async def examined(
    server: SimulatedEndpoint, dialect: DialectName, window: int | None = None, **options: Any
) -> Conformance:
    endpoint = resolve_endpoint(server.base_url, "glm-4.6", dialect, window=window)
    engine = RemoteEngine(endpoint, api_key="sk-k")
    stranger = RemoteEngine(endpoint.model_copy(update={"model": "nobody"}), api_key="sk-k")
    record, _ = await conduct(engine, stranger, texts(), **{"long_prompt": True, **options})
    await engine.aclose()
    await stranger.aclose()
    return record


def statuses(record: Conformance, *wanted: str) -> dict[str, str]:
    return {check.name: check.status for check in record.checks if check.status in wanted}


@pytest.mark.parametrize(
    ("flavor", "dialect", "not_ok"),
    [
        ("zai", "zai", {}),
        ("sglang", "sglang", {"unknown_model": "warn"}),
        ("vllm", "vllm", {}),
        ("zai", "openrouter", {"token_counter": "skipped", "tool_call_streamed": "warn"}),
        ("zai", "novita", {"token_counter": "skipped", "tool_call_streamed": "warn"}),
        ("vllm", "plain", {"token_counter": "skipped"}),
    ],
)
async def test_a_server_and_a_model_that_do_as_they_should_pass(
    flavor: Flavor, dialect: DialectName, not_ok: dict[str, str]
) -> None:
    async with SimulatedEndpoint(GoodModel(flavor), flavor=flavor, key="sk-k") as server:
        record = await examined(server, dialect, WINDOW)
    found = statuses(record, "warn", "fail", "skipped")
    assert found == not_ok, [check for check in record.checks if check.status != "ok"]
    assert [check.name for check in record.checks] == [check.name for check in CHECKS]
    assert len(server.requests) <= 10
    assert record.summary.ok == len(CHECKS) - len(not_ok)


async def test_errors_without_the_codes_of_the_dialect_are_told() -> None:
    page = Entry(error=Fault(status=400))
    async with SimulatedEndpoint(GoodModel("sglang", {"beyond_window": page, "too_long": page})) as server:
        record = await examined(server, "zai", WINDOW)
    assert "without Z.ai's business codes" in next(each.detail for each in record.checks if each.name == "errors")


async def test_a_busy_server_is_no_fault_of_its_ways() -> None:
    busy = Entry(error=Fault(status=429, message="one at a time", retry_after="3600"))
    async with SimulatedEndpoint(GoodModel("sglang", {"log": busy, "beyond_window": busy, "too_long": busy})) as server:
        record = await examined(server, "sglang")
    assert {"long_tool_result", "cache", "early_stop", "overflow"} <= statuses(record, "skipped").keys()
    assert record.summary.fail == 0


async def test_what_there_is_no_time_for_is_skipped_and_the_rest_judged() -> None:
    slow = Entry(reasoning="well", content="13:25", stall_s=30)
    async with SimulatedEndpoint(GoodModel("sglang", {"think": slow})) as server:
        record = await examined(server, "sglang", limit_s=3.0)
    assert record.seconds < 10
    assert statuses(record, "ok").keys() == {"answers", "thinking_off", "usage", "window", "token_counter"}
    assert "3 s were over" in next(each.detail for each in record.checks if each.name == "overflow")


async def test_an_endpoint_that_refuses_the_first_question_is_asked_no_other() -> None:
    async with SimulatedEndpoint(GoodModel("vllm"), flavor="vllm", key="another") as server:
        endpoint = resolve_endpoint(server.base_url, "glm-4.6", "vllm")
        engine = RemoteEngine(endpoint, api_key="sk-secret-key")
        record, error = await conduct(engine, engine, texts(), long_prompt=True)
        await engine.aclose()
    assert error is not None and error.kind == "auth"
    assert record.requests == 1 and statuses(record, "fail").keys() == {
        "answers",
        "thinking_off",
        "usage",
        "token_counter",
    }
    assert "sk-secret-key" not in record.model_dump_json()
