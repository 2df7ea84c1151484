import os
import stat
import sys
from pathlib import Path

import pytest

from glmcode.tui.prompt.external import EditorFailed, edited, editor_command
from tests.tui.prompt_app import PromptApp


def _editor(tmp_path: Path, script: str) -> list[str]:
    file = tmp_path / "editor.py"
    file.write_text(f"import os, pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n{script}\n")
    return [sys.executable, str(file)]


def test_the_editor_sees_the_draft_in_a_private_file_that_is_gone_afterwards(tmp_path: Path) -> None:
    command = _editor(
        tmp_path,
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(str(file))\n"
        "modes = oct(os.stat(file.parent).st_mode)\n"
        "pathlib.Path(str(file) + '~').write_text('a copy beside it')\n"
        "file.write_text(file.read_text() + ' and more ' + modes + '\\r\\n\\x1b[31m\\n')",
    )
    assert edited("draft 修复", command) == f"draft 修复 and more {oct(stat.S_IFDIR | 0o700)}\n"
    assert not Path((tmp_path / "seen").read_text()).parent.exists()


@pytest.mark.parametrize("script", ["sys.exit(3)", "file.unlink()"])
def test_an_editor_that_fails_says_so(tmp_path: Path, script: str) -> None:
    with pytest.raises(EditorFailed):
        edited("draft", _editor(tmp_path, script))
    with pytest.raises(EditorFailed, match="EDITOR"):
        edited("draft", [str(tmp_path / "missing")])


@pytest.mark.parametrize(
    ("environ", "command"),
    [({"VISUAL": "code --wait", "EDITOR": "vi"}, ["code", "--wait"]), ({"VISUAL": " ", "EDITOR": "vi"}, ["vi"])],
)
def test_visual_comes_before_editor(environ: dict[str, str], command: list[str]) -> None:
    assert editor_command(environ) == command


def test_a_command_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EditorFailed, match="EDITOR"):
        editor_command({"EDITOR": "'unclosed"})
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(EditorFailed, match="EDITOR"):
        editor_command({})


async def test_without_a_terminal_the_draft_stays() -> None:
    app = PromptApp()
    async with app.run_test() as pilot:
        app.box.put("draft")
        await pilot.press("ctrl+g")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.area.text == "draft"
        assert "terminal" in str(app.box.query_one(".hint").render())
