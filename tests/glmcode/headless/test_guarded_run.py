import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.simulated import SimulatedEndpoint

EDIT = (
    "<tool_call>edit\n<arg_key>path</arg_key>\n<arg_value>calc.py</arg_value>\n<arg_key>old</arg_key>\n"
    "<arg_value>a - b</arg_value>\n<arg_key>new</arg_key>\n<arg_value>a + b</arg_value>\n</tool_call>"
)
CUT = {"name": "shell", "arguments": '{"command": "touch made-by-half; sleep 1'}
READ = {"name": "read", "arguments": {"path": "calc.py"}}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    git = ["git", "-C", str(repo), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    return repo


async def run(repo: Path, server: SimulatedEndpoint) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, records and what was told to people, of `glmcode run` against the server."""
    options = ["--base-url", server.base_url, "--sandbox", "none", "--context", "0", "--output", "stream-json"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "glmcode", "run", "make add add", *options),
        cwd=repo, env={"PATH": os.environ["PATH"], "HOME": str(repo.parent)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, told = await process.communicate()
    assert process.returncode is not None and b"Traceback" not in told
    return process.returncode, [json.loads(line) for line in output.splitlines()], told.decode()


def repairs(records: list[dict[str, Any]]) -> list[str]:
    return [record["repair"] for record in records if record["kind"] == "guard"]


async def test_leaked_and_cut_calls_end_well(repo: Path) -> None:
    script: list[dict[str, Any]] = [{"reasoning": f"I fix it. {EDIT}"}, {"tool_calls": [CUT]}, {"content": "Fixed."}]
    async with SimulatedEndpoint(script) as server:
        code, records, told = await run(repo, server)
    assert (code, repairs(records)) == (0, ["leaked_call"])
    assert "repaired: leaked_call" in told
    assert (repo / "calc.py").read_text().endswith("a + b\n")
    assert not (repo / "made-by-half").exists()
    assert records[-1]["answer"] == "Fixed."


@pytest.mark.parametrize("answer", [{"content": ""}, {"content": "Now I'll fix it."}, {"reasoning": "!" * 5000}])
async def test_answers_that_lead_nowhere_exit_9(repo: Path, answer: dict[str, Any]) -> None:
    def always(body: dict[str, Any], number: int) -> dict[str, Any]:
        return answer if "content" in answer or number < 1 else {"content": "!" * 9000}

    async with SimulatedEndpoint(always) as server:
        code, records, told = await run(repo, server)
    assert code == 9
    assert len(server.requests) == 2
    assert records[-1]["status"] == "error"
    assert told.count("glmcode: error:") == 1


async def test_the_same_call_for_ever_exits_9(repo: Path) -> None:
    async with SimulatedEndpoint(lambda body, number: {"tool_calls": [READ]}) as server:
        code, records, _ = await run(repo, server)
    assert (code, repairs(records), len(server.requests)) == (9, ["repeated_call"], 5)
