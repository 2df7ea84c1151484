import json
from functools import partial
from pathlib import Path

from glmcode import paths
from glmcode.tui.preferences import FILE_NAME
from glmcode.tui.prompt.area import PromptArea
from glmcode.tui.prompt.suggestions import Suggestions
from glmcode.tui.texts import LANGUAGES, _table
from tests.tui.app.opened import Opened, opened


def shown(it: Opened) -> str:
    """All that is on the screen, as lines."""
    width, height = it.app.size
    lines = it.app.screen._compositor.render_strips()
    assert (len(lines), width) == (height, it.app.size.width)
    return "\n".join(line.text for line in lines)


def word(language: str, key: str) -> str:
    return _table("zh" if language == "zh" else "en")[key].split("\n")[0]


def _says(it: Opened, words: str) -> bool:
    return words in shown(it)


ALWAYS = ("prompt.placeholder", "status.ask", "status.no_sandbox")


async def test_the_language_changes_all_that_is_on_the_screen_at_once(tmp_path: Path) -> None:
    answers = [{"reasoning": "Let me see.", "content": "ok"}]
    async with opened(tmp_path, answers) as it:
        assert all(word("en", key) in shown(it) for key in (*ALWAYS, "welcome.tips"))
        await it.type("/language zh")
        await it.until(lambda: word("zh", "welcome.tips") in shown(it))
        assert all(word("zh", key) in shown(it) for key in ALWAYS)
        assert not [key for key in (*ALWAYS, "welcome.tips") if word("en", key) in shown(it)]
        await it.turn("hi")
        await it.until(lambda: word("zh", "transcript.turn_done") in shown(it))
        assert word("zh", "transcript.thought") in shown(it)
        await it.type("/language en")
        await it.until(lambda: word("en", "transcript.thought") in shown(it))
        assert all(word("en", key) in shown(it) for key in (*ALWAYS, "transcript.turn_done"))
        assert not [key for key in (*ALWAYS, "transcript.thought") if word("zh", key) in shown(it)]
        assert json.loads((paths.state_dir() / FILE_NAME).read_text())["language"] == "en"


async def test_commands_are_completed_in_the_language_of_the_moment(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        for language in reversed(LANGUAGES):
            await it.type(f"/language {language}")
            placeholder = word(language, "prompt.placeholder")
            await it.until(partial(_says, it, placeholder))
            it.app.chat.query_one(PromptArea).insert("/compa")
            await it.until(lambda: it.app.chat.query_one(Suggestions).display)
            await it.pilot.pause()
            assert word(language, "commands.compact") in shown(it)
            await it.pilot.press("ctrl+c")


async def test_what_is_being_read_stays_in_place_when_the_language_changes(tmp_path: Path) -> None:
    answers = [{"reasoning": "Hm.", "content": "\n\n".join(f"paragraph {number}" for number in range(60))}]
    async with opened(tmp_path, answers) as it:
        await it.turn("hi")
        view = it.app.chat.view
        view.scroll_to(y=30, animate=False, force=True)
        await it.pilot.pause()
        before = view.first_in_sight()
        await it.type("/language zh")
        await it.until(lambda: word("zh", "prompt.placeholder") in shown(it))
        assert view.first_in_sight() == before and not view.at_end
