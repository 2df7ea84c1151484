from pathlib import Path

from glmcode.tui.preferences import load_preferences
from glmcode.tui.terminal import has_mouse
from tests.glmcode.live.working import shell
from tests.tui.app.opened import opened


async def test_a_bug_of_ours_shows_where_it_is_and_no_values_and_acts_on_no_terminal(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        key = "sk-not-to-be-seen"
        try:
            raise ValueError("wrong\x1b]0;PWNED\x07")
        except ValueError:
            it.app._fatal_error()
        shown = str(it.app._exit_renderables[0])
        it.app._exit_renderables.clear()
    assert "ValueError: wrong" in shown and "test_app.py" in shown
    assert key not in shown and "\x1b" not in shown


async def test_the_mouse_is_left_to_the_terminal_and_taken_back_by_a_key(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        assert has_mouse(it.app)
        await it.pilot.press("f2")
        await it.until(lambda: not has_mouse(it.app) and "F2" in it.hint)
        await it.until(lambda: not load_preferences().mouse)
        await it.pilot.press("f2")
        await it.until(lambda: has_mouse(it.app) and load_preferences().mouse)
        await it.type("/mouse off")
        await it.until(lambda: not has_mouse(it.app))


async def test_ctrl_d_leaves_from_an_empty_prompt_and_only_there(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [shell("sleep 60")]}]) as it:
        await it.pilot.press("a", "b", "home", "ctrl+d", "ctrl+d")
        assert it.draft == "" and it.app.is_running and it.app._leaving is None
        await it.type("wait")
        await it.until(lambda: it.talk._began is not None)
        await it.pilot.press("ctrl+d")
        await it.pilot.pause()
        assert it.app._leaving is None
        await it.pilot.press("escape")
        await it.idle()
        await it.pilot.press("ctrl+d")
        await it.until(lambda: it.app._leaving is not None)
