import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine
from tests.e2e.place import commands_in, left_containers
from tests.vscode.calculator import FIX_ADD, FIX_NEGATED, HANGS, ODD, Endpoint
from tests.vscode.editor import Editor, open_editor
from tests.vscode.rig import find_rig

pytestmark = [pytest.mark.vscode, pytest.mark.docker, pytest.mark.timeout(300)]


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
    await editor.open_file(".vscode/tasks.json")
    complaints = await editor.until_problems(lambda found: any("instancePolicy" in row for row in found))
    # All that this version's own schema complains of is the one word that is newer than it.
    assert {row for row in complaints if not row.startswith("tasks.json")} == {
        row for row in complaints if "Property instancePolicy is not allowed" in row
    }
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
    await editor.until_problems(lambda found: not any("test_" in row for row in found))
    assert "return -a" in (repo / "calc.py").read_text()


async def test_a_selection_arrives_as_it_is_and_what_is_asked_for_is_used(editor: Editor, endpoint: Endpoint) -> None:
    endpoint.answers.extend([{"content": "It holds odd characters."}, {"content": "Nothing to do."}])
    await editor.open_file("odd.py")
    await editor.until_seen(".editor-instance .view-line", "it's")
    await editor.page.keyboard.press("Control+A")
    await editor.run_task("glmcode: Explain selection")
    await editor.until_terminal("It holds odd characters.")
    assert ODD in endpoint.asked(0)
    assert "This is about odd.py, lines 1 to 5." in endpoint.asked(0)
    await editor.run_task("glmcode: Fix issue...")
    await editor.pick("allow it")
    await editor.pick("never")
    await editor.page.keyboard.type('text:it\'s "odd" $HOME')
    await editor.page.keyboard.press("Enter")
    await editor.until_terminal("run finished (none)")
    assert 'it\'s "odd" $HOME' in endpoint.asked(1)
    assert endpoint.server.requests[1].body["chat_template_kwargs"] == {"enable_thinking": False}


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
