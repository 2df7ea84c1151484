from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.vscode.calculator import FILES, FIX_ADD
from tests.vscode.editor import Editor, open_editor
from tests.vscode.rig import find_rig

pytestmark = [pytest.mark.vscode, pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture
async def editor(repo: Path, own_home: Path, answers: list[Any]) -> AsyncIterator[Editor]:
    rig = find_rig()
    assert rig is not None
    async with open_editor(rig, repo, own_home, extensions=(rig.extension,), NO_PROXY="*", no_proxy="*") as opened:
        yield opened


async def test_the_extension_runs_its_tasks_shows_how_they_end_and_takes_a_file_back(
    editor: Editor, answers: list[Any], repo: Path, pictures: Path
) -> None:
    answers += [FIX_ADD, {"content": "`add` subtracted."}]
    await editor.until_status("glmcode")
    await editor.choose("glmcode: Run a Task...", "Fix failing tests")
    await editor.until_terminal("run finished (verified)")
    problems = await editor.until_problems(lambda found: any("test_negated" in row for row in found))
    assert [row for row in problems if "Ln 8, Col 9" in row]
    shown = await editor.until_status("verified")
    assert "context" in shown and "cached" in shown
    await editor.open_problem("test_negated fails")
    await editor.until_seen(".codelens-decoration", "Fix with glmcode")
    await editor.picture(pictures / "extension.png")
    assert "return a + b" in (repo / "calc.py").read_text()
    await editor.command("glmcode: Look at the Last Patch")
    await editor.until_seen(".monaco-diff-editor .modified .view-line", "return a + b")
    await editor.picture(pictures / "patch.png")
    await editor.command("glmcode: Refuse This File")
    await editor.until_seen(".notification-list-item-message", "calc.py is as it was")
    assert (repo / "calc.py").read_text() == FILES["calc.py"]
