import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine, Ended
from tests.e2e.place import DONE, FIX, FIXED, SOURCE, call, git, status, tool_texts
from tests.simulated import SimulatedEndpoint
from tests.simulated.script import Script

TASKS = call("write", path=".vscode/tasks.json", content='{"tasks": []}\n')


async def _run(user: CommandLine, repo: Path, script: Script, *flags: str) -> tuple[Ended, SimulatedEndpoint]:
    fixed = ("--repo", str(repo), "--sandbox", "none", "--output", "json", "--out", str(repo.parent / "out"))
    async with SimulatedEndpoint(script) as server:
        ended = await user.run("run", "x", *fixed, "--base-url", server.base_url, *flags)
    assert not ended.result["answer"] or ended.result["answer"] == "All done."
    return ended, server


async def test_a_plan_changes_nothing(user: CommandLine, repo: Path) -> None:
    script = [FIX, call("shell", command="touch made.txt"), call("read", path="calc.py"), DONE]
    ended, server = await _run(user, repo, script, "--approval", "plan", "--workspace", "direct")
    texts = tool_texts(server.requests[-1].body)
    assert ended.code == 0, ended.stderr
    assert [text.startswith("Refused: ") for text in texts] == [True, True, False]
    assert status(repo) == "" and ended.result["files_changed"] == []


async def test_a_permission_that_nobody_can_give_exits_8(user: CommandLine, repo: Path) -> None:
    ended, server = await _run(user, repo, [FIX, TASKS, DONE], "--approval", "ask")
    assert (ended.code, ended.result["exit_code"], ended.result["status"]) == (8, 8, "error")
    assert any(".vscode/tasks.json" in line and "--approval" in line for line in ended.stderr.splitlines()[-4:])
    assert len(server.requests) == 2 and status(repo) == "" and not ended.result["applied"]
    assert "a + b" in Path(ended.result["patch_file"]).read_text()


async def test_what_is_denied_is_told_to_the_model_and_the_run_goes_on(user: CommandLine, repo: Path) -> None:
    ended, server = await _run(user, repo, [TASKS, FIX, DONE], "--approval", "deny")
    assert ended.code == 0, ended.stderr
    assert tool_texts(server.requests[-1].body)[0].startswith("Refused: ")
    assert status(repo) == " M calc.py\n" and (repo / "calc.py").read_text() == FIXED


async def test_what_is_allowed_is_written_and_warned_of(user: CommandLine, repo: Path) -> None:
    ended, _ = await _run(user, repo, [TASKS, DONE], "--approval", "auto")
    assert ended.code == 0 and (repo / ".vscode/tasks.json").is_file()
    warning = "warning: protected git, hook or task file changed: .vscode/tasks.json"
    assert f"glmcode: {warning}" in ended.stderr.splitlines()


async def test_a_patch_that_is_not_applied_is_kept_with_its_prediction(user: CommandLine, repo: Path) -> None:
    predictions = repo.parent / "preds.jsonl"
    flags = ("--apply", "never", "--predictions", str(predictions), "--instance-id", "sample__calc-1")
    ended, _ = await _run(user, repo, [FIX, DONE], *flags)
    patch = repo.parent / "out/patch.diff"
    assert ended.code == 0 and not ended.result["applied"] and status(repo) == ""
    assert ended.result["patch_file"] == str(patch) and f"git apply {patch}" in ended.stderr
    (line,) = predictions.read_text().splitlines()
    assert json.loads(line) == {
        "instance_id": "sample__calc-1",
        "model_name_or_path": json.loads(line)["model_name_or_path"],
        "model_patch": patch.read_text(),
    }
    assert "glm-4.6" in json.loads(line)["model_name_or_path"]
    assert json.loads((patch.parent / "preds.json").read_text()) == {"sample__calc-1": json.loads(line)}
    git(repo, "apply", str(patch))
    assert (repo / "calc.py").read_text() == FIXED


async def test_a_run_is_kept_as_a_trajectory(user: CommandLine, repo: Path) -> None:
    ended, server = await _run(user, repo, [call("shell", command="cat calc.py"), FIX, DONE])
    told = json.loads((repo.parent / "out/trajectory.traj.json").read_text())
    info, messages = told["info"], told["messages"]
    assert (told["trajectory_format"], info["exit_status"]) == ("mini-swe-agent-1.1", "Submitted")
    assert info["model_stats"]["api_calls"] == 3 and "+    return a + b" in info["submission"]
    ending = messages.pop()
    assert ending["role"] == "exit" and ending["extra"]["submission"] == info["submission"]
    roles = [message["role"] for message in messages]
    assert roles == ["system", "user", *["assistant", "tool"] * 2, "assistant"]
    (action,) = messages[2]["extra"]["actions"]
    assert action == {"command": "cat calc.py", "tool_call_id": messages[3]["tool_call_id"]}
    assert messages[4]["extra"]["actions"] == [] and messages[-1]["content"] == ended.result["answer"]
    asked = server.requests[-1].body["messages"]
    assert [message["content"] for message in messages[: len(asked)]] == [message["content"] for message in asked]


async def test_what_the_user_edited_meanwhile_is_never_merged_silently(user: CommandLine, repo: Path) -> None:
    mine = "# mine\n" + SOURCE

    def answer(_: dict[str, Any], number: int) -> dict[str, Any]:
        if number == 2:
            (repo / "calc.py").write_text(mine)
        return [FIX, call("write", path="other.txt", content="x\n"), DONE][number]

    ended, _ = await _run(user, repo, answer)
    assert ended.result["status"] == "done" and not ended.result["applied"]
    assert (repo / "calc.py").read_text() == mine and not (repo / "other.txt").exists()
    assert "glmcode: not applied: changed in the repository meanwhile: calc.py" in ended.stderr.splitlines()
    assert ended.code == 1
    assert ended.result["files_changed"] == ["calc.py", "other.txt"]
    assert "a + b" in Path(ended.result["patch_file"]).read_text()


async def test_a_direct_workspace_is_written_straight(user: CommandLine, repo: Path) -> None:
    seen: list[str] = []

    def answer(_: dict[str, Any], number: int) -> dict[str, Any]:
        seen.append((repo / "calc.py").read_text())
        return [FIX, DONE][number]

    ended, _ = await _run(user, repo, answer, "--workspace", "direct")
    assert ended.code == 0 and seen == [SOURCE, FIXED] and ended.result["applied"]
    assert "a + b" in Path(ended.result["patch_file"]).read_text()


LIMITS: list[Any] = [
    pytest.param("steps", ("--max-steps", "1"), [FIX, DONE], 1, id="steps"),
    pytest.param("tokens", ("--max-tokens", "10"), [FIX, DONE], 1, id="tokens"),
    pytest.param("time", ("--timeout", "3"), [FIX, {"content": "late", "stall_s": 60.0}], 2, id="time"),
]


@pytest.mark.parametrize(("limit", "flags", "script", "requests"), LIMITS)
async def test_a_limit_that_is_reached_exits_5_and_keeps_the_patch(
    user: CommandLine, repo: Path, limit: str, flags: Sequence[str], script: Script, requests: int
) -> None:
    ended, server = await _run(user, repo, script, *flags)
    result = ended.result
    assert (ended.code, result["exit_code"], result["status"]) == (5, 5, "limit"), ended.stderr
    assert result["limits"]["reached"] == limit and limit in ended.ending and len(server.requests) == requests
    assert "a + b" in Path(result["patch_file"]).read_text() and status(repo) == ""
