from pathlib import Path

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
