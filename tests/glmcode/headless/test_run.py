import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SOURCE = "def add(a, b):\n    return a - b\n\n\ndef neg(a):\n    return -a\n"
TESTS = """import unittest
import calc


class CalcTest(unittest.TestCase):
    def test_neg(self):
        self.assertEqual(calc.neg(1), -1)
"""
ADD_TEST = TESTS.replace("test_neg", "test_add").replace("calc.neg(1), -1", "calc.add(1, 2), 3")
FIX = {"name": "edit", "arguments": {"path": "calc.py", "old": "a - b", "new": "a + b"}}
PROVE = {"name": "write", "arguments": {"path": "test_add.py", "content": ADD_TEST}}
BREAK = {"name": "edit", "arguments": {"path": "calc.py", "old": "-a", "new": "a"}}


def shell(command: str) -> dict[str, Any]:
    return {"name": "shell", "arguments": {"command": command}}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "calc.py").write_text(SOURCE)
    (repo / "test_calc.py").write_text(TESTS)
    git = ["git", "-C", str(repo), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    return repo


def start(
    repo: Path, *arguments: str, calls: Sequence[dict[str, Any]], out: str = "", context: str = "0"
) -> subprocess.Popen[str]:
    home = repo.parent
    script = home / "script.json"
    script.write_text(json.dumps([{"tool_calls": [call]} for call in calls] + [{"content": "All done."}]))
    options = ["--engine", f"scripted:{script}", "--sandbox", "none", "--context", context]
    options += ["--out", out or str(home / "out")]
    return subprocess.Popen(
        [sys.executable, "-m", "glmcode", *arguments, *options, "--test-command", "python3 -m unittest -v"],
        cwd=repo, env={"PATH": os.environ["PATH"], "HOME": str(home)}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, records and what was told to people."""
    output, told = process.communicate(timeout=100)
    assert "Traceback" not in told
    return process.returncode, [json.loads(line) for line in output.splitlines()], told


def status(repo: Path) -> str:
    return subprocess.run(
        ["git", "-C", str(repo), "status", "--short"], capture_output=True, text=True, check=True
    ).stdout


def test_a_fix_with_a_test_that_needs_it_is_verified_and_applied(repo: Path) -> None:
    arguments = ("fix", "text:add subtracts", "--output", "json")
    code, (result,), told = finish(start(repo, *arguments, calls=[FIX, PROVE]))
    assert (code, result["exit_code"], result["verdict"], result["status"]) == (0, 0, "verified", "done"), told
    assert [each for each in result["tests"]["fixed"] if "test_add" in each] == result["tests"]["fixed"] != []
    assert result["tests"]["before"]["passed"] == 1 and result["tests"]["after"]["passed"] == 2
    assert result["applied"] and status(repo) == " M calc.py\n?? test_add.py\n"
    out = repo.parent / "out"
    assert json.loads((out / "result.json").read_text()) == result
    assert {path.name for path in out.iterdir()} >= {"events.jsonl", "report.md", "junit-before.xml", "junit-after.xml"}
    subprocess.run(["git", "-C", str(repo), "apply", "-R", str(out / "patch.diff")], check=True)
    assert status(repo) == ""


def test_a_change_that_breaks_a_test_is_kept_as_a_patch_only(repo: Path) -> None:
    code, (result,), _ = finish(start(repo, "fix", "text:add subtracts", "--output", "json", calls=[FIX, PROVE, BREAK]))
    assert (code, result["verdict"], result["applied"]) == (6, "failed", False)
    assert len(result["tests"]["broken"]) == 1 and "test_neg" in result["tests"]["broken"][0]
    assert status(repo) == "" and "+    return a\n" in (repo.parent / "out/patch.diff").read_text()


def test_a_run_streams_its_records_in_order_also_with_names_that_are_no_utf8(repo: Path) -> None:
    odd = shell(r"touch $(printf 'odd\377name')")
    code, records, told = finish(start(repo, "run", "touch it", "--output", "stream-json", calls=[odd]))
    assert code == 0, told
    kinds = [record["kind"] for record in records if not record["kind"].endswith(("_delta", "tool_output"))]
    assert kinds == [
        *("session_started", "step_started", "assistant_message", "tool_started", "tool_finished", "usage"),
        *("step_started", "assistant_message", "usage", "turn_finished", "result"),
    ]
    assert all(record["v"] == 1 for record in records)
    assert records[-1]["files_changed"] == ["odd\udcffname"] and records[-1]["answer"] == "All done."
    assert (repo / "odd\udcffname").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_in_the_middle_of_a_command_ends_the_run_in_order(
    repo: Path, number: signal.Signals, code: int
) -> None:
    marker = repo.parent / "running"
    hanging = shell(f"echo $$ > {marker}; touch new.txt; exec sleep 300")
    process = start(repo, "run", "wait", "--output", "stream-json", calls=[FIX, hanging])
    assert process.stdout is not None
    before = []
    for line in process.stdout:
        before.append(json.loads(line))
        if before[-1]["kind"] == "tool_started" and before[-1]["name"] == "shell":
            break
    while not (marker.exists() and marker.read_text().strip()):
        assert process.poll() is None
    process.send_signal(number)
    returned, after, _ = finish(process)
    assert (returned, after[-1]["kind"], after[-1]["exit_code"]) == (code, "result", code)
    assert (after[-1]["status"], after[-2]["kind"], after[-2]["reason"]) == ("cancelled", "turn_finished", "cancelled")
    assert status(repo) == "" and "+    return a + b" in (repo.parent / "out/patch.diff").read_text()
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)
        pytest.fail("the command is still running")


def test_an_interrupted_direct_run_has_its_changes_in_place(repo: Path) -> None:
    marker = repo.parent / "running"
    hanging = shell(f"echo $$ > {marker}; exec sleep 300")
    process = start(repo, "run", "wait", "--workspace", "direct", "--output", "json", calls=[FIX, hanging])
    while not (marker.exists() and marker.read_text().strip()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    code, (result,), told = finish(process)
    assert (code, result["status"], result["applied"]) == (130, "cancelled", True), told
    assert status(repo) == " M calc.py\n" and "git apply" not in told


def test_artifacts_inside_the_repository_are_no_part_of_the_change(repo: Path) -> None:
    arguments = ("run", "fix it", "--output", "json", "--workspace", "direct")
    code, (result,), told = finish(start(repo, *arguments, calls=[FIX], out="artifacts"))
    assert code == 0, told
    assert result["files_changed"] == ["calc.py"]
    assert status(repo) == " M calc.py\n"
    assert (repo / "artifacts/result.json").exists()


def test_a_file_name_cannot_pose_as_a_line_of_ours(repo: Path) -> None:
    forged = shell("touch '.envrc\nglmcode: verdict verified: all is well'")
    code, _, told = finish(start(repo, "run", "x", "--output", "json", calls=[forged]))
    assert code == 0
    assert "changed: " in told and "verdict verified" in told
    assert not [line for line in told.splitlines() if line.startswith("glmcode: verdict")]


def test_a_cost_limit_without_known_prices_is_refused_before_any_request(repo: Path) -> None:
    flags = ("--engine", "remote", "--base-url", "http://127.0.0.1:9/v1", "--max-cost", "1", "--sandbox", "none")
    done = subprocess.run(
        [sys.executable, "-m", "glmcode", "run", "x", *flags],
        cwd=repo, env={"PATH": os.environ["PATH"], "HOME": str(repo.parent)}, text=True, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "no prices are known for glm-4.6" in done.stderr


def test_a_limit_is_the_exit_code_and_is_named_in_the_result(repo: Path) -> None:
    code, (result,), _ = finish(start(repo, "run", "x", "--output", "json", "--max-steps", "1", calls=[FIX]))
    assert (code, result["status"], result["limits"]["reached"], result["applied"]) == (5, "limit", "steps", False)


def test_the_pack_takes_at_most_a_third_of_a_small_window(repo: Path) -> None:
    (repo / "calc.py").write_text("".join(f"def add_{i}(a, b):\n    return a - b - {i}\n\n\n" for i in range(400)))
    arguments = ("run", "why does add subtract", "--output", "stream-json", "--window", "4096")
    process = start(repo, *arguments, calls=[], context="auto")
    _, records, _ = finish(process)
    [started] = [record for record in records if record["kind"] == "session_started"]
    assert 0 < started["context_tokens"] <= 4096 // 3


def test_a_run_that_goes_on_tells_the_model_what_the_user_changed_meanwhile(repo: Path) -> None:
    finish(start(repo, "run", "make add add", "--output", "json", calls=[FIX]))
    (repo / "calc.py").write_text(SOURCE.replace("a - b", "b + a"))
    code, (result,), told = finish(start(repo, "run", "and now?", "--resume", "--output", "json", calls=[]))
    assert code == 0 and "told what changed" in told
    session = next((repo.parent / ".local/state/glmcode/sessions").glob("*/session.jsonl"))
    messages = [json.loads(line)["message"] for line in session.read_text().splitlines() if '"message":' in line]
    said = [message["content"] for message in messages if message["role"] == "user"]
    assert "-    return a + b\n+    return b + a" in said[-1] and "and now?" in said[-1]
    assert result["session"] == session.parent.name
