import json
from pathlib import Path

import pytest

from tests.cli import CommandLine
from tests.e2e.place import FIXED
from tests.sglang_cpu.scripted import Call, Reply, extra_body
from tests.sglang_cpu.serving import Served

REPLIES = (
    Reply("The bug must be in calc.py.", "I'll read it.", [Call("read", {"path": "calc.py"})]),
    Reply("It subtracts.", "", [Call("edit", {"path": "calc.py", "old": "a - b", "new": "a + b"})]),
    Reply("Done.", "`add` adds now."),
)


@pytest.mark.sglang
@pytest.mark.parametrize("thinking", ["on", "off"])
async def test_a_run_reads_edits_and_answers_by_the_real_server(
    thinking: str, user: CommandLine, repo: Path, sglang_server: Served
) -> None:
    user.variables["GLMCODE_API_KEY"] = sglang_server.key
    ended = await user.run(
        *("run", "add(1, 2) gives -1, please fix it.", "--repo", str(repo), "--sandbox", "none"),
        *("--engine", "remote", "--base-url", sglang_server.base_url, "--model", sglang_server.model),
        *("--dialect", "sglang", "--thinking", thinking, "--extra-body", json.dumps(extra_body(REPLIES))),
        *("--output", "stream-json"),
        timeout_s=120,
    )
    assert ended.code == 0, ended.stderr
    assert (repo / "calc.py").read_text() == FIXED
    result = ended.records[-1]
    assert (result["status"], result["answer"].strip(), result["files_changed"]) == (
        "done",
        "`add` adds now.",
        ["calc.py"],
    )
    assert [record["kind"] for record in ended.records if record["kind"] in ("guard", "retry", "cache_broken")] == []
    thought = [record for record in ended.records if record["kind"] == "reasoning_delta"]
    assert bool(thought) == (thinking == "on")
    first, second, third = (record["usage"] for record in ended.records if record["kind"] == "usage")
    for before, after in ((first, second), (second, third)):
        # The server keeps all it computed: the prompt, and the answer less the token it stopped with.
        assert after["cached_tokens"] >= before["prompt_tokens"] + before["completion_tokens"] - 3
    assert result["usage"]["cached_tokens"] == sum(each["cached_tokens"] for each in (first, second, third))
