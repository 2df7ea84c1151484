import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli import environment, host_image
from tests.e2e.place import call, commands_in, left_containers, processes
from tests.glmcode.editor.panel import CTRL_C, Panel, panel

TESTS = "import unittest\nimport calc\n\n\nclass CalcTest(unittest.TestCase):\n    def test_{0}(self):\n        {1}\n"
FILES = {
    "calc.py": "def add(a, b):\n    return a - b\n\n\ndef neg(a):\n    return a\n",
    "tests/__init__.py": "",
    "tests/test_add.py": TESTS.format("add", "self.assertEqual(calc.add(1, 2), 3)"),
    "tests/test_neg.py": TESTS.format("neg", "self.assertEqual(calc.neg(1), -1)"),
}
FIX_ADD = call("edit", path="calc.py", old="a - b", new="a + b")
FIX_NEG = call("edit", path="calc.py", old="return a\n", new="return -a\n")
DONE = {"content": "Done."}
HANGS = call("shell", command="sleep 3003")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / name).write_text(text)
    git = ["git", "-C", str(tmp_path / "repo"), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    return tmp_path / "repo"


def command(repo: Path, *arguments: str, answers: list[dict[str, Any]], sandbox: str = "none") -> list[str]:
    script = repo.parent / "script.json"
    script.write_text(json.dumps(answers))
    own = [sys.executable, "-m", "glmcode", *arguments, "--output", "vscode", "--engine", f"scripted:{script}"]
    return [*own, "--sandbox", sandbox, "--context", "0"]


def test_problems_are_the_tests_that_still_fail_and_are_gone_with_them(repo: Path, own_home: Path) -> None:
    fix = ("fix", "text:the tests fail", "--test-command", "python3 -m unittest -v")
    out = repo.parent / "out"
    for answers, left in (([FIX_ADD, DONE], 1), ([FIX_NEG, DONE], 0)):
        ended = subprocess.run(
            [*command(repo, *fix, answers=answers), "--out", str(out)],
            cwd=repo / "tests", env=environment(own_home), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        first, *problems, last = ended.stdout.splitlines()
        assert (first, last) == ("glmcode: run started", "glmcode: run finished (verified)")
        assert problems == ["test_neg.py:7:9: error: test_neg fails: AssertionError: 1 != -1"] * left
        (run,) = json.loads((out / "results.sarif").read_text())["runs"]
        assert len(run["results"]) == left


def test_a_run_that_never_came_to_a_result_is_finished_too(repo: Path, own_home: Path) -> None:
    ended = subprocess.run(
        [*command(repo, "run", "x", answers=[DONE]), "--resume", "20200101-000000-abcdef"],
        cwd=repo, env=environment(own_home), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (2, "glmcode: run finished (error)")


def interrupt(opened: Panel) -> None:
    opened.press(CTRL_C)


def terminate(opened: Panel) -> None:
    os.kill(opened.pid, signal.SIGTERM)


def close(opened: Panel) -> None:
    """As VS Code ends a task: it hangs up, then closes the terminal, for which the system hangs up once more."""
    os.kill(opened.pid, signal.SIGHUP)
    opened.close_terminal()


def vanish(opened: Panel) -> None:
    opened.close_terminal()


ENDINGS = [(interrupt, 130), (terminate, 143), (close, 143), (vanish, 143)]


@pytest.mark.parametrize(("end", "code"), ENDINGS)
def test_a_task_that_is_ended_leaves_nothing_running(
    repo: Path, own_home: Path, end: Callable[[Panel], None], code: int
) -> None:
    marker = repo.parent / "running"
    hangs = call("shell", command=f"echo $$ > {marker}; exec sleep 300")
    with panel(command(repo, "run", "wait", answers=[FIX_ADD, hangs]), repo, environment(own_home)) as opened:
        opened.until(lambda: marker.exists() and marker.read_text().endswith("\n"))
        end(opened)
        opened.until(opened.ended)
    assert opened.code == code
    assert processes(own_home) == [] and not Path(f"/proc/{marker.read_text().strip()}").exists()
    _check_ending(own_home, repo, code, opened)


@pytest.mark.docker
@pytest.mark.parametrize(("end", "code"), ENDINGS)
def test_a_task_that_is_ended_leaves_no_container(
    repo: Path, own_home: Path, end: Callable[[Panel], None], code: int, image: str
) -> None:
    started = [*command(repo, "run", "wait", answers=[FIX_ADD, HANGS], sandbox="docker"), "--image", image]
    with panel(started, repo, environment(own_home)) as opened:
        opened.until(lambda: any("sleep 3003" in line for line in commands_in(opened.pid)))
        end(opened)
        opened.until(opened.ended)
    assert opened.code == code
    assert left_containers(opened.pid) == [] and processes(own_home) == []
    _check_ending(own_home, repo, code, opened)


@pytest.fixture(scope="module")
def image() -> Any:
    with host_image("glmcode-panel-test") as tag:
        yield tag


def _check_ending(home: Path, repo: Path, code: int, opened: Panel) -> None:
    (result,) = (home / ".local/state/glmcode/sessions").glob("*/result.json")
    record = json.loads(result.read_text())
    assert (record["exit_code"], record["status"], record["files_changed"]) == (code, "cancelled", ["calc.py"])
    assert "a - b" in (repo / "calc.py").read_text()
    if opened.terminal >= 0:
        assert "glmcode: run finished (cancelled)" in opened.lines
