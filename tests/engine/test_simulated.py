import asyncio
import json
import sys
import urllib.request
from pathlib import Path

import pytest

from glmcode_engine.script import ScriptError
from tests.engine.answers import answer_of, ask
from tests.engine.conftest import OpenRemote
from tests.simulated import Entry, SimulatedEndpoint, load_entries_file

REPOSITORY = Path(__file__).parents[2]


async def test_it_runs_as_a_process_and_writes_down_what_it_was_asked(tmp_path: Path, open_remote: OpenRemote) -> None:
    script, record, port_file = tmp_path / "s.yaml", tmp_path / "record.jsonl", tmp_path / "port"
    script.write_text("- content: from afar\n- {error: {status: 503}}\n")
    command = [sys.executable, "-m", "tests.simulated", "--script", str(script), "--flavor", "vllm", "--key", "sk-k"]
    command += ["--record", str(record), "--port-file", str(port_file)]
    server = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
    try:
        assert server.stdout is not None
        url = json.loads(await server.stdout.readline())["base_url"]
        engine = open_remote(url, api_key="sk-k")
        answer = await answer_of(engine, ask("hello"))
        await engine.aclose()
    finally:
        server.terminate()
        assert await server.wait() == 0

    assert answer.message().content == "from afar"
    assert port_file.read_text().strip() == url
    [line] = [json.loads(each) for each in record.read_text().splitlines()]
    assert json.loads(line["raw"]) == line["body"]
    assert line["body"]["messages"][1]["content"] == "hello"
    assert line["ended_at"] >= line["arrived_at"]


@pytest.mark.parametrize("flavor", ["zai", "sglang", "vllm"])
async def test_it_lists_its_model(flavor: str) -> None:
    def get(url: str) -> object:
        return json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url))

    async with SimulatedEndpoint([], flavor=flavor, model="glm-x") as server:  # type: ignore[arg-type]
        listed = await asyncio.to_thread(get, f"{server.base_url}/models")
    assert isinstance(listed, dict)
    assert [each["id"] for each in listed["data"]] == ["glm-x"]


async def test_answers_may_be_computed_from_the_request(open_remote: OpenRemote) -> None:
    async with SimulatedEndpoint(lambda body, n: Entry(content=f"{n}: {len(body['messages'])}")) as server:
        engine = open_remote(server)
        assert (await answer_of(engine, ask())).message().content == "0: 2"
        assert (await answer_of(engine, ask())).message().content == "1: 2"
        await engine.aclose()


def test_a_bad_entry_is_named(tmp_path: Path) -> None:
    script = tmp_path / "s.yaml"
    script.write_text("- {stall_s: 1, content: x}\n- {stal_s: 1}\n")
    with pytest.raises(ScriptError, match="entry 2: stal_s"):
        load_entries_file(script)
