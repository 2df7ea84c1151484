"""A session told again, and its answers played again in place of a model's, through the real command line."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.cli import CommandLine
from tests.e2e.place import DONE, FIX
from tests.simulated import SimulatedEndpoint

ASKED = "mend the \x1b]0;total\x07"
FLAGS = ("--sandbox", "none", "--workspace", "direct")


async def recorded(user: CommandLine, repo: Path) -> dict[str, Any]:
    """The result of a run against an endpoint; its change is taken back."""
    async with SimulatedEndpoint([FIX, DONE]) as server:
        ended = await user.run(
            "run", ASKED, *FLAGS, "--repo", str(repo), "--base-url", server.base_url, "--output", "json"
        )
    assert ended.code == 0, ended.stderr
    subprocess.run(["git", "-C", str(repo), "checkout", "-q", "."], check=True)  # noqa: ASYNC221
    return ended.result


async def test_a_session_is_told_as_it_went(user: CommandLine, repo: Path) -> None:
    result = await recorded(user, repo)
    told = await user.run("session", "replay", "--repo", str(repo))
    assert (told.code, told.stdout) == (0, f"{result['answer']}\n")
    lines = told.stderr.splitlines()
    user_said = lines.index("glmcode: user: mend the ")
    edited = next(number for number, line in enumerate(lines) if ": edit " in line)
    assert user_said < edited < lines.index("glmcode: turn finished: done")
    assert subprocess.run(["git", "-C", str(repo), "diff", "--quiet"], check=False).returncode == 0  # noqa: ASYNC221


async def test_a_session_is_told_as_records(user: CommandLine, repo: Path) -> None:
    result = await recorded(user, repo)
    told = await user.run("session", "replay", result["session"], "--output", "stream-json")
    records = [json.loads(line) for line in told.stdout.splitlines()]
    kinds = [record["kind"] for record in records]
    assert kinds[0] == "session_started" and kinds[-1] == "turn_finished" and kinds.count("tool_finished") == 1
    assert [record["text"] for record in records if record["kind"] == "prompted"] == [ASKED]
    assert records[-1]["answer"] == result["answer"] and told.stderr.count("\n") > 1


async def test_recorded_answers_are_played_again(user: CommandLine, repo: Path) -> None:
    result = await recorded(user, repo)
    engine = ("--engine", f"replay:{result['session']}")
    again = await user.run("run", ASKED, *FLAGS, *engine, "--repo", str(repo), "--output", "json")
    assert again.code == 0, again.stderr
    assert "a recorded session is playing, not a model" in again.stderr
    assert again.result["engine"]["kind"] == "replay" and again.result["session"] != result["session"]
    same = ("answer", "files_changed", "status")
    assert {name: again.result[name] for name in same} == {name: result[name] for name in same}


async def test_a_recording_that_is_over_says_so(user: CommandLine, repo: Path) -> None:
    result = await recorded(user, repo)
    engine = ("--engine", f"replay:{result['session']}", "--resume", result["session"])
    first = await user.run("run", "more", *FLAGS, *engine, "--repo", str(repo), "--output", "json")
    second = await user.run("run", "more", *FLAGS, *engine, "--repo", str(repo), "--output", "json")
    assert (first.code, second.code) == (0, 0), second.stderr  # what was said meanwhile is played, too
    (user.home / "s.yaml").write_text("- tool_calls: [{name: read, arguments: {path: gone}}]\n")
    broken = await user.run("run", "x", *FLAGS, "--repo", str(repo), "--engine", "scripted:s.yaml", "--output", "json")
    over = await user.run(
        "run", "x", *FLAGS, "--repo", str(repo), "--engine", f"replay:{broken.result['session']}", "--output", "json"
    )
    assert over.code == 9 and "is over: it holds 1 answer" in over.stderr


async def test_a_session_that_is_not_there_is_refused(user: CommandLine, repo: Path) -> None:
    for session in ("20260101-000000-abcdef", "../../etc/passwd"):
        ended = await user.run("run", "x", *FLAGS, "--repo", str(repo), "--engine", f"replay:{session}")
        assert ended.code == 2 and "session list" in ended.stderr
