import asyncio
import json
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine, Ended
from tests.e2e.place import DONE, FIX, FIXED, call, control_characters, git, status, tool_texts
from tests.simulated import Flavor, SimulatedEndpoint
from tests.simulated.script import Script

KEY, WRONG = "e2e-right-key-71c0", "e2e-wrong-key-93aa"
PLAIN = ("--sandbox", "none", "--output", "json")


def told(ended: Ended, code: int, words: Sequence[str]) -> None:
    assert ended.code == code, ended.stderr
    lines = ended.stderr.splitlines()
    assert lines and all(line.startswith("glmcode: ") for line in lines), ended.stderr
    assert not control_characters(ended.stderr)
    for word in words:
        assert any(word in line for line in lines[-3:]), f"{word!r} is not in {lines[-3:]}"


async def test_a_folder_without_a_repository_is_a_usage_error(user: CommandLine) -> None:
    async with SimulatedEndpoint([DONE]) as server:
        ended = await user.run("run", "x", *PLAIN, "--base-url", server.base_url)
    told(ended, 2, ["no git repository around", "git init", "--repo"])
    assert not ended.stdout and not server.paths


async def test_a_repository_without_a_commit_is_worked_on(user: CommandLine, tmp_path: Path) -> None:
    repo = tmp_path / "empty"
    repo.mkdir()
    git(repo, "init", "-q")
    out = tmp_path / "out"
    script = [call("write", path="new.txt", content="new\n"), DONE]
    async with SimulatedEndpoint(script) as server:
        ended = await user.run(
            "run", "x", *PLAIN, "--repo", str(repo), "--base-url", server.base_url, "--out", str(out)
        )
    told(ended, 0, ["exit code 0"])
    assert ended.result["base_commit"] is None and ended.result["applied"]
    assert (repo / "new.txt").read_text() == "new\n"
    (tmp_path / "fresh").mkdir()
    git(tmp_path / "fresh", "apply", str(out / "patch.diff"))
    assert (tmp_path / "fresh/new.txt").read_text() == "new\n"


async def test_a_dirty_tree_is_seen_as_it_is_and_its_changes_stay_the_users(user: CommandLine, repo: Path) -> None:
    (repo / "notes.txt").write_text("one\nmine\nthree\n")
    (repo / "draft.txt").write_text("a draft\n")
    out = repo.parent / "out"
    script = [call("read", path="notes.txt"), call("read", path="draft.txt"), FIX, DONE]
    async with SimulatedEndpoint(script) as server:
        ended = await user.run(
            "run", "x", *PLAIN, "--repo", str(repo), "--base-url", server.base_url, "--out", str(out)
        )
    told(ended, 0, ["exit code 0"])
    texts = tool_texts(server.requests[-1].body)
    assert "mine" in texts[0] and "a draft" in texts[1]
    assert ended.result["files_changed"] == ["calc.py"]
    assert (repo / "notes.txt").read_text() == "one\nmine\nthree\n" and (repo / "calc.py").read_text() == FIXED
    assert status(repo) == " M calc.py\n M notes.txt\n?? draft.txt\n"
    git(repo, "apply", "-R", "--check", str(out / "patch.diff"))
    assert "notes.txt" not in (out / "patch.diff").read_text()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--predictions", "missing/preds.jsonl", "--instance-id", "a"), ["--predictions missing/preds.jsonl"]),
        (("--predictions", "preds.jsonl"), ["--instance-id"]),
        (("--out", "file"), ["--out file"]),
        ((), ["sessions cannot be written", "XDG_STATE_HOME"]),
    ],
    ids=["predictions", "no-instance", "out", "state"],
)
async def test_a_place_that_cannot_be_written_is_told_before_anything_is_spent(
    user: CommandLine, repo: Path, flags: Sequence[str], words: Sequence[str]
) -> None:
    (user.home / "file").write_text("")
    if not flags:
        user.variables["XDG_STATE_HOME"] = str(user.home / "file")
    async with SimulatedEndpoint([DONE]) as server:
        ended = await user.run("run", "x", *PLAIN, "--repo", str(repo), "--base-url", server.base_url, *flags)
    told(ended, 2, words)
    assert not server.paths and not ended.stdout


async def test_the_default_endpoint_is_not_asked_without_a_key(user: CommandLine, repo: Path) -> None:
    async with SimulatedEndpoint([DONE]) as server:
        proxy = server.base_url.removesuffix("/v1")
        proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), proxy)
        careless = CommandLine(user.home, {**proxies, "NO_PROXY": "", "no_proxy": ""})
        ended = await careless.run("run", "x", "--repo", str(repo), "--sandbox", "none")
    told(ended, 2, ["no API key for https://api.z.ai/api/paas/v4", "GLMCODE_API_KEY"])
    assert server.connections == 0


async def test_an_address_where_nobody_answers_exits_69_before_long(user: CommandLine, repo: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        for url, words in ((closed, "refuses connections"), ("http://no-such-host.invalid/v1", "cannot be resolved")):
            began = time.monotonic()
            ended = await user.run("run", "x", *PLAIN, "--repo", str(repo), "--base-url", url)
            told(ended, 69, [words, "--base-url"])
            assert time.monotonic() - began < 20
            assert (ended.result["status"], ended.result["exit_code"]) == ("error", 69)


async def test_a_daemon_that_is_not_there_exits_7_before_a_request(user: CommandLine, repo: Path) -> None:
    user.variables["DOCKER_HOST"] = f"unix://{user.home}/nobody.sock"
    async with SimulatedEndpoint([DONE]) as server:
        ended = await user.run("run", "x", "--repo", str(repo), "--base-url", server.base_url)
    told(ended, 7, ["no Docker daemon answers", "--sandbox bwrap"])
    assert not server.paths


async def test_a_run_that_is_terminated_before_its_turn_says_so(user: CommandLine, repo: Path) -> None:
    asked = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    with tempfile.TemporaryDirectory() as folder:  # the path of a socket has to be short
        user.variables["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
        async with (
            await asyncio.start_unix_server(keep_silent, f"{folder}/docker.sock"),
            user.started("run", "x", "--repo", str(repo), "--base-url", "http://127.0.0.1:9/v1") as running,
        ):
            await asked.wait()
            running.process.terminate()
            ended = await running.ended(timeout_s=20)
    told(ended, 143, ["interrupted", "exit code 143"])


BUSY = {"error": {"status": 429, "code": "1302", "message": "Rate limit reached"}}
LONG = {"error": {"status": 400, "code": "1261", "message": "Prompt exceeds max length"}}
STALL = {"content": "never shown", "stall_s": 60.0}
FAULTS: list[Any] = [
    pytest.param("zai", [], ("--model", "glm-9"), 2, ["Unknown Model", "--model"], id="unknown-model-zai"),
    pytest.param("vllm", [], ("--model", "glm-9"), 2, ["does not exist", "--model"], id="unknown-model-vllm"),
    pytest.param("zai", [BUSY] * 9, ("--patience", "1"), 75, ["Rate limit reached", "try again"], id="overload"),
    pytest.param("zai", [LONG] * 9, (), 9, ["Prompt exceeds max length", "window"], id="overflow"),
    pytest.param("sglang", [{"content": ""}] * 9, (), 9, ["empty answer"], id="empty"),
    pytest.param(
        "sglang", [{"content": "half", "finish_reason": "length"}] * 9, (), 9, ["output limit"], id="truncated"
    ),
    pytest.param(
        "sglang", [STALL] * 9, ("--idle-timeout", "1", "--patience", "1"), 69, ["sent nothing for 1 s"], id="stall"
    ),
]


@pytest.mark.parametrize(("flavor", "script", "flags", "code", "words"), FAULTS)
async def test_what_goes_wrong_at_the_endpoint_is_told_with_its_exit_code(
    user: CommandLine, repo: Path, flavor: Flavor, script: Script, flags: Sequence[str], code: int, words: list[str]
) -> None:
    async with SimulatedEndpoint(script, flavor=flavor) as server:
        ended = await user.run("run", "x", *PLAIN, "--repo", str(repo), "--base-url", server.base_url, *flags)
    told(ended, code, words)
    assert (ended.result["exit_code"], ended.result["status"]) == (code, "error")
    assert status(repo) == ""


@pytest.mark.parametrize("flavor", ["zai", "sglang", "vllm"])
async def test_a_refused_key_exits_77_and_is_never_shown(user: CommandLine, repo: Path, flavor: Flavor) -> None:
    user.variables["GLMCODE_API_KEY"] = WRONG
    async with SimulatedEndpoint([DONE], flavor=flavor, key=KEY) as server:
        ended = await user.run("run", "x", *PLAIN, "--repo", str(repo), "--base-url", server.base_url)
    told(ended, 77, ["GLMCODE_API_KEY"])
    assert WRONG not in ended.stdout + ended.stderr and len(server.paths) == 1


async def test_a_path_where_no_chat_is_served_exits_69_naming_the_flag(user: CommandLine, repo: Path) -> None:
    async with SimulatedEndpoint([DONE]) as server:
        wrong = f"{server.base_url}/elsewhere"
        ended = await user.run("run", "x", *PLAIN, "--repo", str(repo), "--base-url", wrong)
    told(ended, 69, ["--base-url", "404"])
    assert json.loads(ended.stdout)["engine"]["base_url"] == wrong
