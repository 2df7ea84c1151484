import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine, host_image
from tests.e2e.place import call, commands_in, left_containers
from tests.simulated import SimulatedEndpoint
from tests.vscode.editor import Editor, open_editor
from tests.vscode.rig import find_rig

pytestmark = [pytest.mark.vscode, pytest.mark.docker, pytest.mark.timeout(300)]

TEST = "import unittest\n\nimport calc\n\n\nclass CalcTest(unittest.TestCase):\n    def test_{0}(self):\n        {1}\n"
FILES = {
    "calc.py": "def add(a, b):\n    return a - b\n\n\ndef negated(a):\n    return a\n",
    "tests/__init__.py": "",
    "tests/test_add.py": TEST.format("add", "self.assertEqual(calc.add(1, 2), 3)"),
    "tests/test_negated.py": TEST.format("negated", "self.assertEqual(calc.negated(1), -1)"),
}
FIX_ADD = call("edit", path="calc.py", old="a - b", new="a + b")
FIX_NEGATED = call("edit", path="calc.py", old="return a\n", new="return -a\n")
HANGS = call("shell", command="sleep 3003")
PICTURES = Path(os.environ["GLMCODE_PICTURES"]) if "GLMCODE_PICTURES" in os.environ else None
"""Settled on import: tests get an environment of their own."""


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    with host_image("glmcode-vscode-test") as tag:
        yield tag


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "calculator" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "calculator" / name).write_text(text)
    git = ["git", "-C", str(tmp_path / "calculator"), "-c", "user.name=n", "-c", "user.email=n@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    return tmp_path / "calculator"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where people look at what the window looked like."""
    folder = PICTURES or tmp_path / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def answers(own_home: Path, image: str) -> AsyncIterator[list[Any]]:
    """What the endpoint of the user's configuration answers, in order."""
    given: list[Any] = []
    async with SimulatedEndpoint(lambda _, number: given[number]) as server:
        config = own_home / ".config/glmcode/config.toml"
        config.parent.mkdir(parents=True)
        lines = [f'base_url = "{server.base_url}"', f'image = "{image}"', "context = 0"]
        config.write_text("\n".join([*lines, 'test_command = "python3 -m unittest -v"', ""]))
        yield given


@pytest.fixture
async def editor(repo: Path, own_home: Path) -> AsyncIterator[Editor]:
    assert (await CommandLine(own_home, cwd=repo).run("vscode", "init")).code == 0
    rig = find_rig()
    assert rig is not None
    async with open_editor(rig, repo, own_home, NO_PROXY="*", no_proxy="*") as opened:
        yield opened


async def test_failing_tests_are_fixed_and_the_problems_follow(
    editor: Editor, answers: list[Any], repo: Path, pictures: Path
) -> None:
    answers += [FIX_ADD, {"content": "`add` subtracted."}]
    await editor.run_task("glmcode: Fix failing tests")
    shown = await editor.until_terminal("run finished (verified)")
    assert "step 1: edit calc.py" in shown
    await editor.picture(pictures / "terminal.png")
    problems = await editor.until_problems(lambda found: any("test_negated" in row for row in found))
    assert [row for row in problems if "Ln 8, Col 9" in row and "test_negated fails: AssertionError: 1 != -1" in row]
    assert not [row for row in problems if "test_add" in row]
    await editor.open_problem("test_negated fails")
    await editor.picture(pictures / "problems.png")
    answers += [FIX_NEGATED, {"content": "And `negated` did not negate."}]
    await editor.run_task("glmcode: Fix failing tests")
    await editor.until_problems(lambda found: found == [])
    assert "return -a" in (repo / "calc.py").read_text()


async def test_a_task_that_is_terminated_leaves_nothing(
    editor: Editor, answers: list[Any], repo: Path, own_home: Path
) -> None:
    answers += [FIX_ADD, HANGS]
    await editor.run_task("glmcode: Fix failing tests")
    pid = await _run_of(own_home)
    await _eventually(lambda: any("sleep 3003" in line for line in commands_in(pid)))
    await editor.choose("Tasks: Terminate Task", "glmcode: Fix failing tests")
    await _eventually(lambda: not Path(f"/proc/{pid}").exists())
    assert left_containers(pid) == []
    (result,) = (own_home / ".local/state/glmcode/sessions").glob("*/result.json")
    assert '"status": "cancelled"' in result.read_text() and "a - b" in (repo / "calc.py").read_text()


async def _run_of(home: Path) -> int:
    """The process of the run that this user's editor started."""
    found: list[int] = []

    def running() -> bool:
        found[:] = [int(each.parent.name) for each in Path("/proc").glob("[0-9]*/cmdline") if _is_run(each, home)]
        return bool(found)

    await _eventually(running)
    return found[0]


def _is_run(command: Path, home: Path) -> bool:
    try:
        words = command.read_bytes().split(b"\0")
        return b"fix" in words and f"HOME={home}\0".encode() in (command.parent / "environ").read_bytes()
    except OSError:
        return False


async def _eventually(holds: Callable[[], bool], limit_s: float = 40) -> None:
    deadline = time.monotonic() + limit_s
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.1)
