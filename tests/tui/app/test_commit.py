import subprocess
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList, Static, TextArea

from glmcode.tui.commit.screen import CommitScreen
from glmcode.tui.page.screen import PageScreen
from tests.glmcode.live.working import EDIT, shell
from tests.tui.app.opened import Opened, opened

SCRIPT: list[dict[str, Any]] = [
    {"tool_calls": [EDIT, shell("echo x > '[red]new.txt'")]},
    {"content": "done"},
    {"content": "Add instead of subtracting"},
]


@pytest.fixture(autouse=True)
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git knows who commits."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")


def git(repo: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=repo, capture_output=True, text=True, check=True).stdout


def files(it: Opened) -> list[str]:
    return [str(each.prompt) for each in it.app.screen.query_one(OptionList).options]


async def asking(it: Opened, command: str = "/commit") -> None:
    await it.turn("make add add")
    await it.type(command)
    await it.until(lambda: isinstance(it.app.screen, CommitScreen))


async def test_files_and_message_are_shown_and_what_is_left_is_committed(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await asking(it)
        area = it.app.screen.query_one(TextArea)
        assert area.has_focus and area.text == "Add instead of subtracting"
        assert files(it)[0] == "[x] [red]new.txt  new +1 -0" and files(it)[1].startswith("[x] calc.py  changed +1 -1")
        await it.pilot.press("ctrl+d")
        await it.until(lambda: isinstance(it.app.screen, PageScreen) and "+    return a + b" in it.app.screen._markdown)
        await it.pilot.press("escape")
        await it.until(lambda: isinstance(it.app.screen, CommitScreen))
        await it.pilot.press("shift+tab", "home", "enter")
        assert files(it)[0].startswith("[ ]")
        await it.pilot.press("tab", "!", "ctrl+s")
        await it.idle()
        assert git(it.repo, "log", "-1", "--format=%s|%an").strip() == "Add instead of subtracting!|Ada"
        assert git(it.repo, "show", "--format=", "--name-only").split() == ["calc.py"]
        assert git(it.repo, "rev-parse", "HEAD").strip()[:12] in it.notes


async def test_what_was_typed_is_the_message_and_the_model_is_not_asked(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT[:2]) as it:
        await asking(it, "/commit Make add add")
        await it.pilot.press("ctrl+s")
        await it.idle()
        assert git(it.repo, "log", "-1", "--format=%s").strip() == "Make add add"
        await it.type("/commit again")
        await it.until(lambda: "as in the last commit" in it.notes)


async def test_escape_commits_nothing_and_so_do_no_message_and_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await asking(it)
        it.app.screen.query_one(TextArea).text = ""
        await it.pilot.press("ctrl+s")
        assert "needs a message" in str(it.app.screen.query_one(".problem", Static).render())
        await it.pilot.press("x", "shift+tab", "home", "enter", "down", "enter", "ctrl+s")
        assert "No file" in str(it.app.screen.query_one(".problem", Static).render())
        await it.pilot.press("escape")
        await it.idle()
        assert "Nothing was committed" in it.notes and git(it.repo, "log", "--format=%s").strip() == "base"


async def test_without_changes_it_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        await it.type("/commit")
        await it.until(lambda: "nothing to commit" in it.notes)
