import dataclasses

from glmcode.cli.engine_check import texts
from glmcode_engine.base import EngineError, Stop, TextDelta, UsageReport
from glmcode_engine.conformance import counting, limits, thinking
from glmcode_engine.conformance.checks import CHECKS, judge_all
from glmcode_engine.conformance.evidence import Evidence
from glmcode_engine.conformance.exchanges import ExchangeName, requests, too_long
from glmcode_engine.conformance.observation import Arrival, Observed, observe
from glmcode_engine.endpoint import resolve_endpoint
from glmcode_engine.messages import Usage
from glmcode_engine.patience import Patience, PatientEngine
from glmcode_engine.remote import RemoteEngine
from glmcode_engine.tokens import Counter
from tests.simulated import Entry, Fault, SimulatedEndpoint

REQUESTS = requests(texts(), 200_000)


def seen(name: ExchangeName, at_s: float = 0.5, error: EngineError | None = None) -> Observed:
    parts = () if error else (Arrival(at_s, TextDelta("1 2")), Arrival(at_s + 1, Stop("length")))
    return Observed(REQUESTS[name], parts, error, seconds=at_s + 1)


def evidence(**seen: Observed) -> Evidence:
    return Evidence("vllm", "glm-4.6", seen)  # type: ignore[arg-type]


def test_an_answer_that_begins_late_after_an_abandoned_one_shows_that_the_server_went_on() -> None:
    left = dataclasses.replace(seen("left"), left_early=True)
    prompt = evidence(log=seen("log", 2.0), left=left, limited=seen("limited", 6.0))
    late = evidence(log=seen("log", 2.0), left=left, limited=seen("limited", 9.0))
    assert limits.early_stop(prompt).status == "ok"
    assert limits.early_stop(late).status == "warn"
    assert "9.00 s" in limits.early_stop(late).detail


async def test_a_server_that_is_still_busy_with_an_abandoned_answer_is_told() -> None:
    busy = Entry(error=Fault(status=429, message="one at a time", retry_after="0.05"))
    async with SimulatedEndpoint([busy, Entry(content="1 2")]) as server:
        engine = RemoteEngine(resolve_endpoint(server.base_url, "glm-4.6"), api_key=None)
        limited = await observe(PatientEngine(engine), REQUESTS["limited"])
        await engine.aclose()
    left = dataclasses.replace(seen("left"), left_early=True)
    verdict = limits.early_stop(evidence(log=seen("log"), left=left, limited=limited))
    assert verdict.status == "warn" and "one at a time" in verdict.detail
    assert limited.text == "1 2" and 0 <= (limited.first_s or -1) < limited.seconds - 0.05


async def test_of_an_answer_that_broke_off_only_the_next_try_counts() -> None:
    broken = Entry(reasoning="I think that", content="void", reset=True)
    async with SimulatedEndpoint([broken, Entry(content="ready")]) as server:
        engine = RemoteEngine(resolve_endpoint(server.base_url, "glm-4.6"), api_key=None)
        hello = await observe(PatientEngine(engine, Patience(first_delay_s=0.01)), REQUESTS["hello"])
        await engine.aclose()
    assert (hello.text, hello.reasoning, hello.pieces("reasoning"), len(hello.retries)) == ("ready", "", 0, 1)


def test_an_error_page_is_no_error_in_json() -> None:
    page = EngineError("bad_request", "http://x (HTTP 400): <html>\x1b[31m - the request was refused")
    verdict = limits.errors(evidence(unknown_model=seen("unknown_model", error=page)))
    assert verdict.status == "warn" and "no JSON" in verdict.detail and "\x1b" not in verdict.detail
    coded = EngineError("bad_request", "refused", code="NotFoundError")
    assert (
        limits.errors(evidence(unknown_model=seen("unknown_model", error=coded))).detail == "JSON, code NotFoundError"
    )
    assert limits.errors(evidence(unknown_model=seen("unknown_model"))).status == "skipped"


def test_a_wrong_model_name_must_not_look_like_another_failure() -> None:
    for kind, status in (("bad_request", "ok"), ("unreachable", "fail"), ("rate_limited", "skipped")):
        error = EngineError(kind, "no")  # type: ignore[arg-type]
        assert limits.unknown_model(evidence(unknown_model=seen("unknown_model", error=error))).status == status


def test_a_window_that_nobody_tells_comes_with_what_to_do() -> None:
    verdict = counting.window(evidence())
    assert verdict.status == "warn" and "--window" in (verdict.remedy or "")
    told = Evidence("vllm", "glm-4.6", {}, window=(65_536, "server"))
    assert counting.window(told).detail == "65,536 tokens, told by the server"


def test_reasoning_that_is_taken_but_left_out_of_the_prompt_shows_in_its_growth() -> None:
    def grown_by(tokens: int) -> str:
        """The verdict where the calls and their results grew the prompt by so many tokens."""
        counts = {"calls": 600, "results": 600 + tokens}
        reports = {name: (Arrival(1, UsageReport(Usage(prompt_tokens=count))),) for name, count in counts.items()}
        return thinking.reasoning_accepted(
            evidence(**{name: Observed(REQUESTS[name], parts) for name, parts in reports.items()})  # type: ignore[index]
        ).status

    sent = REQUESTS["results"].messages[2]
    count, thought = Counter().count, sent.reasoning_content or ""
    # As GLM-4.6's template writes them, with its tags around names, arguments and results.
    rendered = sum(count(call.name + call.arguments) for call in sent.tool_calls) + 120
    assert 250 < count(thought) < 350
    assert grown_by(rendered) == "warn"
    assert grown_by(rendered + count(thought)) == "ok"


def test_nothing_seen_is_nothing_judged() -> None:
    results = judge_all(evidence())
    assert [each.name for each in results] == [check.name for check in CHECKS]
    assert {each.status for each in results} == {"skipped"}


def test_the_log_has_the_tokens_it_is_meant_to_have_and_leaves_a_small_window_room() -> None:
    count = Counter().count
    assert 7_200 < count(REQUESTS["log"].messages[3].content) < 8_800
    small = requests(texts(), 8_192)
    whole = "".join(message.content for message in small["left"].messages)
    assert count(whole) + (small["left"].max_tokens or 0) < 7_000


def test_a_prompt_that_is_too_long_is() -> None:
    for window in (8_192, 202_752):
        assert Counter().count(too_long(texts(), window).messages[1].content) > 1.2 * window
