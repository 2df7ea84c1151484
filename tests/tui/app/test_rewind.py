from pathlib import Path
from typing import Any

from textual.widgets import OptionList, Static

from glmcode.tui.choices import Choices
from glmcode.tui.lines.view import LinesView
from glmcode.tui.rewind.screen import RewindScreen
from glmcode.tui.transcript.entries import UserSaid
from tests.glmcode.live.working import EDIT, shell
from tests.tui.app.opened import Opened, opened

BASE = "def add(a, b):\n    return a - b\n"
SCRIPT: list[dict[str, Any]] = [
    {"tool_calls": [EDIT]},
    {"content": "fixed"},
    {"tool_calls": [shell("echo x > new.txt")]},
    {"content": "made"},
    {"content": "after"},
]


def effect(it: Opened) -> str:
    return str(it.app.screen.query_one(".effect", Static).render())


def said(it: Opened) -> list[str]:
    return [each.text for each in it.entries if isinstance(each, UserSaid)]


async def played(it: Opened) -> None:
    await it.turn("fix add")
    await it.turn("make a file")


async def looking(it: Opened, *keys: str) -> None:
    """Open the screen, wait for the preview and press keys."""
    await it.type("/rewind")
    await it.until(lambda: isinstance(it.app.screen, RewindScreen))
    await it.until(lambda: effect(it) not in ("", "looking…"))
    await it.pilot.press(*keys)


async def test_it_begins_before_the_last_message_and_previews_without_writing(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await played(it)
        await looking(it)
        options = it.app.screen.query_one(OptionList)
        assert options.highlighted == 2 and "new.txt" in effect(it) and "calc.py" not in effect(it)
        shown = [str(options.get_option_at_index(at).prompt) for at in range(5)]
        assert "fix add" in shown[1] and "edit calc.py" in shown[1] and "make a file" in shown[3]
        await it.pilot.press("home")
        await it.until(lambda: "calc.py" in effect(it))
        lines = "\n".join(line.text for line in it.app.screen.query_one(LinesView).lines)
        assert "return a - b" in lines
        await it.pilot.press("escape")
        await it.idle()
        assert (it.repo / "new.txt").exists() and said(it) == ["fix add", "make a file"]


async def test_both_go_back_the_conversation_is_shown_anew_and_undo_brings_both_again(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await played(it)
        await looking(it, "b")
        await it.idle()
        assert said(it) == ["fix add"] and not (it.repo / "new.txt").exists() and it.draft == "make a file"
        assert "+" in (it.repo / "calc.py").read_text() and "/rewind undo" in it.notes
        await it.type("/rewind undo")
        await it.until(lambda: (it.repo / "new.txt").exists())
        await it.idle()
        assert said(it) == ["fix add", "make a file"]


async def test_files_alone_leave_the_conversation(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await played(it)
        await looking(it, "home", "f")
        await it.idle()
        assert (it.repo / "calc.py").read_text() == BASE and said(it) == ["fix add", "make a file"]


async def test_the_conversation_alone_leaves_the_files_and_the_next_turn_goes_on_there(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await played(it)
        await looking(it, "c")
        await it.idle()
        assert (it.repo / "new.txt").exists() and said(it) == ["fix add"]
        await it.turn("go on")
        assert said(it) == ["fix add", "go on"]


async def test_what_the_user_changed_is_named_and_overwritten_only_after_a_yes(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await it.turn("fix add")
        (it.repo / "calc.py").write_text("mine\n")
        for keys, left in ((["enter"], "mine\n"), (["down", "enter"], BASE)):
            await looking(it, "f")
            await it.until(lambda: isinstance(it.app.screen, Choices))
            assert "calc.py" in str(it.app.screen.query_one(".title", Static).render())
            await it.pilot.press(*keys)
            await it.idle()
            assert (it.repo / "calc.py").read_text() == left


async def test_a_fork_goes_on_from_the_step_and_leaves_its_origin(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await played(it)
        first = it.app.opening.session_id
        await looking(it, "k")
        await it.idle()
        assert it.app.opening.session_id != first and said(it) == ["fix add"] and (it.repo / "new.txt").exists()


async def test_without_a_conversation_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    async with opened(tmp_path, SCRIPT) as it:
        await it.type("/rewind")
        await it.until(lambda: "no conversation" in it.notes)
