import json
from pathlib import Path

import pytest

from glmcode.cli.engine_check import texts
from glmcode_engine.conformance.exchanges import ACCESS_CODE, CODES, STORED
from glmcode_prompts.library import load
from tests.cli import CommandLine
from tests.sandbox.repositories import git, write
from tests.sglang_cpu.scripted import Call, Reply, extra_body
from tests.sglang_cpu.serving import Served

pytestmark = pytest.mark.sglang

SAID = "This code has modules, functions and tests. " * 12


def good_replies() -> list[Reply]:
    """What a model that does as it is asked says to each prompt; prompts that hold others come first."""
    ask = texts()
    calls = [*(Call("look_up", {"name": name}) for name in CODES), Call("store", STORED)]
    return [
        Reply(content=" ".join(map(str, range(1, 401))), when=ask.count, step=1),
        Reply(content=ACCESS_CODE, when=ask.log, step=1),
        Reply(reasoning="Three calls at once.", tool_calls=calls, when=ask.calls, step=0),
        Reply(reasoning="Both codes are there.", content=" ".join(CODES.values()), when=ask.calls, step=1),
        Reply(reasoning="Three hours make 12:47, and 38 minutes 13:25.", content="13:25", when=ask.think),
        Reply(content="ready", when=ask.hello),
        *(Reply(content=SAID, when=load(f"bench/{question}")) for question in ("first", "second")),
    ]


@pytest.fixture
def line(own_home: Path, sglang_server: Served) -> CommandLine:
    variables = {"GLMCODE_API_KEY": sglang_server.key, "GLMCODE_EXTRA_BODY": json.dumps(extra_body(good_replies()))}
    return CommandLine(own_home, {**variables, "GLMCODE_BASE_URL": sglang_server.base_url})


async def test_the_real_server_passes(line: CommandLine, sglang_server: Served) -> None:
    ended = await line.run("engine", "check", "--json", timeout_s=200)
    assert ended.code == 0, ended.stdout + ended.stderr
    record = ended.result
    found = {check["name"]: check["status"] for check in record["checks"] if check["status"] != "ok"}
    assert found == {"unknown_model": "warn"}, record["checks"]
    assert record["engine"]["base_url"] == sglang_server.base_url
    assert record["window"] == 16384 and record["requests"] == 9


async def test_the_real_server_is_measured(line: CommandLine, tmp_path: Path) -> None:
    code = "".join(
        f"def function_{n}(value):\n    '''One of the main functions.'''\n    return {n}\n" for n in range(90)
    )
    write(tmp_path, {"module.py": code})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    given = ("--json", "--rounds", "2", "--context", "1500", "--repo", str(tmp_path))
    ended = await line.run("engine", "bench", *given, timeout_s=200)
    assert ended.code == 0, ended.stdout + ended.stderr
    record = ended.result
    assert record["cache_hit"] > 0.8
    for each in record["rounds"]:
        cold, warm = each["cold"]["usage"], each["warm"]["usage"]
        assert cold["cached_tokens"] < 100 < 1000 < warm["cached_tokens"] < warm["prompt_tokens"]
        assert cold["completion_tokens"] > 64
    assert record["decode_tokens_s"] > 0 and record["ttft_warm_s"] > 0
