from pathlib import Path
from typing import Any

import pytest

from glmcode_engine.base import EngineError, Stop, TextDelta, UsageReport
from glmcode_engine.bench import timing_of
from glmcode_engine.conformance.observation import Arrival, Observed
from glmcode_engine.messages import Message, Request, Usage
from tests.cli import CommandLine
from tests.sandbox.repositories import git, write
from tests.simulated import Entry, Fault, SimulatedEndpoint

REQUEST = Request(messages=(Message(role="user", content="x"),), thinking=False)
ANSWER = "This code has modules, functions and tests, which the answer describes at some length. " * 4


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    body = "def function_{n}(value):\n    '''Describe the main module and its tests.'''\n    return value + {n}\n"
    files: dict[str, str | bytes] = {
        f"module_{n}.py": "".join(body.format(n=n * 100 + m) for m in range(20)) for n in range(4)
    }
    write(folder, files)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    return folder


@pytest.fixture
def line(own_home: Path) -> CommandLine:
    return CommandLine(own_home)


async def test_each_round_is_cold_then_warm(line: CommandLine, repo: Path) -> None:
    async with SimulatedEndpoint(lambda body, number: Entry(content=ANSWER)) as server:
        given = ("--json", "--rounds", "2", "--context", "2000", "--repo", str(repo))
        ended = await line.run("engine", "bench", "--base-url", server.base_url, *given)
    assert ended.code == 0, ended.stderr
    record = ended.result
    assert (record["kind"], record["v"], record["cost_usd"]) == ("engine_bench", 1, None)
    assert 1000 < record["pack_tokens"] <= 2000
    assert len(record["rounds"]) == 2 and len(server.requests) == 4
    for each in record["rounds"]:
        assert each["cold"]["usage"]["cached_tokens"] < 50 < 500 < each["warm"]["usage"]["cached_tokens"]
    assert record["cache_hit"] > 0.9
    # Making the client takes longer than a local answer, and is no part of it.
    assert record["rounds"][0]["cold"]["ttft_s"] < record["seconds"] / 2
    assert record["ttft_cold_s"] > 0 and record["decode_tokens_s"] > 0 and record["prefill_tokens_s"] > 0
    assert record["usage"]["prompt_tokens"] == sum(
        each[kind]["usage"]["prompt_tokens"] for each in record["rounds"] for kind in ("cold", "warm")
    )
    bodies = [request.body for request in server.requests]
    assert len({body["messages"][0]["content"] for body in bodies}) == 2
    assert all("def function_" in body["messages"][0]["content"] for body in bodies)
    assert all(body["chat_template_kwargs"] == {"enable_thinking": False} for body in bodies)
    assert {body["max_tokens"] for body in bodies} == {128}


async def test_people_get_figures(line: CommandLine, repo: Path) -> None:
    async with SimulatedEndpoint(lambda body, number: Entry(content=ANSWER)) as server:
        ended = await line.run("engine", "bench", "--base-url", server.base_url, "--repo", str(repo))
    assert ended.code == 0
    assert "6 requests of about" in ended.stderr
    for words in ("time to first token", "reads (prefill)", "writes (decode)", "cache hit", "s cold", "tokens/s"):
        assert words in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80


async def test_where_tokens_are_paid_for_it_wants_a_yes(own_home: Path, repo: Path) -> None:
    line = CommandLine(own_home, {"GLMCODE_API_KEY": "sk-k"})
    ended = await line.run("engine", "bench", "--preset", "zai", "--repo", str(repo))
    assert ended.code == 2 and ended.stdout == ""
    assert "USD by the list price: pass --yes" in ended.stderr
    unknown = await line.run("engine", "bench", "--base-url", "https://llm.example.org/v1", "--repo", str(repo))
    assert unknown.code == 2 and "not known: pass --yes" in unknown.stderr


async def test_a_price_of_ones_own_needs_a_yes_and_is_reckoned(line: CommandLine, repo: Path) -> None:
    folder = line.home / ".config/glmcode"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[price]\nprompt = 1.0\ncached = 0.5\ncompletion = 2.0\n")
    async with SimulatedEndpoint(lambda body, number: Entry(content=ANSWER)) as server:
        given = ("engine", "bench", "--json", "--rounds", "1", "--base-url", server.base_url, "--repo", str(repo))
        refused = await line.run(*given)
        assert refused.code == 2 and server.requests == []
        ended = await line.run(*given, "--yes")
    used = ended.result["usage"]
    fresh = used["prompt_tokens"] - used["cached_tokens"]
    cost = (fresh + 0.5 * used["cached_tokens"] + 2 * used["completion_tokens"]) / 1e6
    assert ended.result["cost_usd"] == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        (Entry(error=Fault(status=401, message="no")), 77, "key"),
        (Entry(error=Fault(status=400, message="longer than the model's context length")), 9, "window"),
        (Entry(content=""), 9, "nothing to measure"),
    ],
)
async def test_failures_have_their_exit_codes(
    entry: Entry, code: int, said: str, line: CommandLine, repo: Path
) -> None:
    async with SimulatedEndpoint([entry]) as server:
        ended = await line.run("engine", "bench", "--base-url", server.base_url, "--repo", str(repo))
    assert ended.code == code and said in ended.stderr and ended.stdout == ""


@pytest.mark.parametrize("arguments", [("--rounds", "0"), ("--context", "300000"), ("--repo", "/nowhere/at/all")])
async def test_wrong_settings_are_exit_code_2(arguments: tuple[str, ...], line: CommandLine) -> None:
    ended = await line.run("engine", "bench", "--base-url", "http://127.0.0.1:9/v1", *arguments)
    assert ended.code == 2 and ended.stdout == ""


def test_the_rates_come_from_the_count_and_the_clock() -> None:
    usage = Usage(prompt_tokens=1000, cached_tokens=200, completion_tokens=41)
    times: list[tuple[float, Any]] = [(0.4, TextDelta("a")), (1.4, TextDelta("b")), (2.4, TextDelta("c"))]
    times += [(2.5, UsageReport(usage)), (2.5, Stop("length"))]
    seen = Observed(REQUEST, tuple(Arrival(at_s, part) for at_s, part in times), seconds=2.6)
    timing = timing_of(seen)
    assert (timing.ttft_s, timing.prefill_tokens_s, timing.decode_tokens_s) == (0.4, 2000.0, 20.0)


def test_without_a_count_the_rates_are_not_told() -> None:
    seen = Observed(REQUEST, (Arrival(0.4, TextDelta("a")), Arrival(0.9, Stop("stop"))), seconds=1.0)
    timing = timing_of(seen)
    assert (timing.ttft_s, timing.prefill_tokens_s, timing.decode_tokens_s) == (0.4, None, None)
    with pytest.raises(EngineError, match="nothing to measure"):
        timing_of(Observed(REQUEST, (Arrival(0.4, Stop("stop")),)))
