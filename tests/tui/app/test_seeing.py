from pathlib import Path

from textual.widgets import Static

from glmcode.tui.context.screen import ContextScreen
from tests.tui.app.opened import opened


async def test_context_shows_the_window_of_the_conversation(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"content": "one"}], context=2000, window=50_000) as it:
        await it.turn("why does add not add? calc.py")
        await it.type("/context")
        await it.until(lambda: isinstance(it.app.screen, ContextScreen))
        await it.until(lambda: "50K" in str(it.app.screen.query_one(".chart", Static).render()))
        segments = {each.name: each.tokens for each in it.talk.standing.status(it.app.opening.settings, None).segments}
        assert segments["pack"] > 20
        await it.pilot.press("escape")
        await it.until(lambda: it.app.screen is it.app.chat)
