import json
from pathlib import Path

import pytest

from glmcode.cli.engine_check import render, texts
from glmcode_engine.base import EngineInfo
from glmcode_engine.conformance.checks import CHECKS
from glmcode_engine.conformance.conduct import Conformance, Summary
from glmcode_engine.conformance.evidence import CheckResult
from tests.cli import CommandLine
from tests.engine.conformance.model import GoodModel, calls
from tests.simulated import Entry, Fault, SimulatedEndpoint

FIELDS = {"kind", "v", "engine", "window", "checks", "summary", "requests", "seconds"}


@pytest.fixture
def line(own_home: Path) -> CommandLine:
    return CommandLine(own_home, {"GLMCODE_API_KEY": "sk-secret-0123456789"})


async def test_the_record_names_the_endpoint_and_each_check(line: CommandLine) -> None:
    async with SimulatedEndpoint(GoodModel("sglang"), key="sk-secret-0123456789") as server:
        url = server.base_url
        ended = await line.run("engine", "check", "--json", "--base-url", url)
    assert ended.code == 0, ended.stderr
    record = ended.result
    assert record.keys() == FIELDS and (record["kind"], record["v"]) == ("engine_check", 1)
    assert record["engine"] == {"kind": "remote", "model": "glm-4.6", "base_url": url}
    assert record["window"] == 202752 and record["requests"] == len(server.requests) == 9
    assert [check["name"] for check in record["checks"]] == [check.name for check in CHECKS]
    assert all(check.keys() == {"name", "status", "detail", "seconds", "remedy"} for check in record["checks"])
    assert record["summary"] == {"ok": len(CHECKS) - 1, "warn": 1, "fail": 0, "skipped": 0}
    assert "sk-secret" not in ended.stdout + ended.stderr


async def test_people_get_a_table_and_a_failed_check_is_exit_code_1(line: CommandLine) -> None:
    wrong = {
        "calls": Entry(tool_calls=calls(count="three")),
        "results": Entry(error=Fault(status=400, message="\x1b]0;owned\x07reasoning_content is not permitted")),
    }
    async with SimulatedEndpoint(GoodModel("vllm", wrong), flavor="vllm") as server:  # type: ignore[arg-type]
        ended = await line.run("engine", "check", "--base-url", server.base_url, "--dialect", "vllm")
    assert ended.code == 1
    rows = {words[1]: words[0] for each in ended.stdout.splitlines() if len(words := each.split()) > 2}
    assert rows["argument_types"] == rows["reasoning_accepted"] == rows["tool_results"] == "fail"
    assert rows["answers"] == "ok"
    assert "reasoning_content is not permitted" in ended.stdout and "\x1b" not in ended.stdout
    assert "3 fail; 9 requests" in ended.stdout.splitlines()[-1]


async def test_what_the_user_adds_to_requests_and_says_of_the_window_is_used(line: CommandLine) -> None:
    async with SimulatedEndpoint(GoodModel("zai"), flavor="zai") as server:
        given = ("--dialect", "zai", "--extra-body", '{"seed": 7}', "--window", "70000", "--model", "glm-x")
        ended = await line.run("engine", "check", "--json", "--base-url", server.base_url, *given)
    assert ended.code == 1 and ended.result["window"] == 70000
    assert {request.body["seed"] for request in server.requests} == {7}
    assert {request.body["model"] for request in server.requests} == {"glm-x"}
    assert "model" in ended.result["checks"][0]["detail"].lower()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(status=401, message="no"), 77),
        (Fault(status=429, message="later", retry_after="3600"), 75),
        (Fault(status=404, message="no such page"), 69),
    ],
)
async def test_an_endpoint_that_cannot_be_asked_has_its_own_exit_code(
    fault: Fault, code: int, line: CommandLine
) -> None:
    async with SimulatedEndpoint([Entry(error=fault)], key=None) as server:
        ended = await line.run("engine", "check", "--json", "--base-url", server.base_url)
    assert ended.code == code
    assert ended.stderr.startswith("glmcode: ") and ended.stderr.count("\n") == 1
    assert ended.result["requests"] == 1
    assert {check["status"] for check in ended.result["checks"] if check["name"] != "window"} <= {"fail", "skipped"}


async def test_nobody_there_is_exit_code_69(line: CommandLine) -> None:
    ended = await line.run("engine", "check", "--base-url", "http://127.0.0.1:9/v1")
    assert ended.code == 69 and "refuses connections" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--timeout", "0"), "--timeout"),
        (("--base-url", "nowhere"), "--base-url"),
        (("--extra-body", "{"), "--extra-body"),
    ],
)
async def test_wrong_settings_are_exit_code_2(arguments: tuple[str, ...], said: str, line: CommandLine) -> None:
    ended = await line.run("engine", "check", *arguments)
    assert ended.code == 2 and said in ended.stderr and ended.stdout == ""


async def test_without_a_key_a_hosted_service_is_not_asked(own_home: Path) -> None:
    ended = await CommandLine(own_home).run("engine", "check", "--preset", "zai")
    assert ended.code == 2 and "no API key" in ended.stderr


def test_the_table_keeps_hostile_words_on_their_line() -> None:
    check = CheckResult(name="answers", status="fail", detail="a\nok  b\x1b[2J", remedy="do\nthis", seconds=0.25)
    engine = EngineInfo(kind="remote", model="m\x1b[31m", base_url="http://x/v1")
    record = Conformance(engine=engine, window=None, checks=(check,), summary=Summary(fail=1), requests=1, seconds=2)
    shown = render(record)
    assert shown.count("\n") == 6 and "\x1b" not in shown


def test_the_table_folds_to_the_width_of_a_terminal() -> None:
    engine = EngineInfo(kind="remote", model="m", base_url="http://x/v1")
    check = CheckResult(name="answers", status="warn", detail="word " * 40, remedy="do this " * 20, seconds=1)
    record = Conformance(engine=engine, window=None, checks=(check,), summary=Summary(warn=1), requests=1, seconds=2)
    assert max(map(len, render(record, 80).splitlines())) <= 80
    assert render(record, 80).split() == render(record).split()


def test_the_texts_are_those_of_the_prompts_and_none_is_within_another() -> None:
    given = json.loads(texts().model_dump_json())
    assert all(given.values())
    assert [(a, b) for a in given for b in given if a != b and given[a] in given[b]] == []
