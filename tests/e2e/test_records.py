import asyncio
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine
from tests.e2e.place import DONE, FIX, FIXED, call, left_containers, processes
from tests.simulated import SimulatedEndpoint

LOOK = {"reasoning": "I look first.", "content": "Looking.", **call("shell", command="echo one; echo two >&2")}
BUSY = {"error": {"status": 503, "message": "warming up", "retry_after": "0"}}
STEP = (
    r"step_started (reasoning_delta )*(assistant_delta )*assistant_message "
    r"(tool_started (tool_output )*tool_finished )*usage "
)

RESULT = (
    *("kind", "v", "session", "status", "verdict", "exit_code", "answer", "patch_file", "files_changed"),
    *("tests", "usage", "duration_s", "limits", "engine", "base_commit"),
)
USAGE = ("requests", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "cost_usd")


def _flags(repo: Path, server: SimulatedEndpoint, output: str, *more: str) -> tuple[str, ...]:
    return ("--repo", str(repo), "--base-url", server.base_url, "--sandbox", "none", "--output", output, *more)


async def test_the_stream_holds_the_kinds_of_the_contract_in_order(user: CommandLine, repo: Path) -> None:
    out = repo.parent / "out"
    async with SimulatedEndpoint([LOOK, BUSY, FIX, DONE]) as server:
        ended = await user.run("run", "x", *_flags(repo, server, "stream-json", "--out", str(out)))
    assert ended.code == 0, ended.stderr
    kinds = [record["kind"] for record in ended.records]
    assert all(record["v"] == 1 for record in ended.records)
    assert kinds.count("retry") == 1 and kinds.index("retry") > kinds.index("tool_finished")
    text = "".join(f"{kind} " for kind in kinds if kind != "retry")
    assert re.fullmatch(f"session_started ({STEP}){{3}}turn_finished result ", text), text
    first = [record for record in ended.records if record.get("step") == 1]
    said = {
        kind: "".join(r["text"] for r in first if r["kind"] == kind) for kind in ("reasoning_delta", "assistant_delta")
    }
    assert said == {"reasoning_delta": "I look first.", "assistant_delta": "Looking."}
    output = "".join(record["text"] for record in ended.records if record["kind"] == "tool_output")
    assert sorted(output.split()[:2]) == ["one", "two"]
    _check_result(ended.records[-1], repo)
    kept = [line for line in ended.stdout.splitlines() if '_delta"' not in line and '"tool_output"' not in line]
    assert (out / "events.jsonl").read_text().splitlines() == kept


def _check_result(result: dict[str, Any], repo: Path) -> None:
    assert set(RESULT) <= set(result)
    assert (result["status"], result["verdict"], result["answer"]) == ("done", "none", "All done.")
    assert {"command", "before", "after", "fixed", "broken"} <= set(result["tests"])
    assert set(USAGE) <= set(result["usage"]) and result["usage"]["requests"] == 3
    assert set(result["engine"]) == {"kind", "model", "base_url"}
    assert Path(result["patch_file"]).read_text().startswith("diff --git a/calc.py b/calc.py\n")


async def test_json_is_one_object_and_text_is_the_answer_alone(user: CommandLine, repo: Path) -> None:
    async with SimulatedEndpoint([LOOK, DONE, LOOK, DONE]) as server:
        ended = await user.run("run", "x", *_flags(repo, server, "json"))
        plain = await user.run("run", "x", *_flags(repo, server, "text"))
    assert ended.stdout.count("\n") == 1 and ended.result["kind"] == "result"
    assert (plain.code, plain.stdout) == (0, "All done.\n")
    assert "exit code 0" in plain.ending


async def test_an_idle_inherited_standard_input_does_not_hold_a_run_up(user: CommandLine, repo: Path) -> None:
    async with SimulatedEndpoint([call("shell", command="cat; echo over"), DONE]) as server:
        flags = _flags(repo, server, "json")
        async with user.started("run", "x", *flags, stdin=asyncio.subprocess.PIPE) as running:
            # communicate() would close the pipe, which is what an idle parent does not do.
            assert running.process.stdout is not None
            async with asyncio.timeout(30):
                line = await running.process.stdout.readline()
                assert await running.process.wait() == 0
    assert b'"kind":"result"' in line and len(server.requests) == 2


@pytest.mark.docker
async def test_a_reader_that_goes_away_neither_hangs_the_run_nor_leaves_a_container(
    user: CommandLine, repo: Path, image: str
) -> None:
    read, write = os.pipe()
    async with SimulatedEndpoint([LOOK, FIX, DONE]) as server:
        flags = ("--repo", str(repo), "--base-url", server.base_url, "--image", image, "--output", "stream-json")
        async with user.started("run", "x", *flags, stdout=write) as running:
            os.close(write)
            with os.fdopen(read, "rb", buffering=0) as pipe:
                first = await asyncio.to_thread(pipe.read, 200)
            began = time.monotonic()
            ended = await running.ended(timeout_s=30)
    assert b'"kind":"session_started"' in first and time.monotonic() - began < 30
    assert ended.code == 0 and not left_containers(ended.pid) and not processes(user.home)
    assert (repo / "calc.py").read_text() == FIXED
