"""A session that was only shown, since it goes on later: what works on it opens it."""

from pathlib import Path

from glmcode.tui.aside.panel import AsidePanel
from glmcode.tui.page.screen import PageScreen
from glmcode.tui.review.screen import ReviewScreen
from tests.glmcode.live.working import EDIT
from tests.tui.app.opened import opened


async def test_it_is_asked_beside_and_compacted(tmp_path: Path) -> None:
    answers = [{"content": "one"}, {"content": "by the way"}]
    async with opened(tmp_path, answers) as it:
        await it.turn("first")
        session, repo = it.app.opening.session_id, it.repo
    async with opened(tmp_path, answers[1:], repo=repo, resume=session) as it:
        await it.until(lambda: it.prompts == 1)
        await it.type("/btw what is this?")
        panel = it.app.chat.query_one(AsidePanel)
        await it.until(lambda: panel.display and panel._answer == "by the way")
        await it.type("/compact")
        await it.until(lambda: "short" in it.notes)


async def test_what_it_changed_in_a_copy_is_shown_and_reviewed(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [EDIT]}, {"content": "done"}], workspace="isolated") as it:
        await it.turn("make add add")
        session, repo = it.app.opening.session_id, it.repo
    assert "a - b" in (repo / "calc.py").read_text()
    async with opened(tmp_path, repo=repo, resume=session, workspace="isolated") as it:
        await it.until(lambda: it.prompts == 1)
        await it.type("/diff")
        await it.until(lambda: isinstance(it.app.screen, PageScreen))
        assert isinstance(it.app.screen, PageScreen) and "+    return a + b" in it.app.screen._markdown
        await it.pilot.press("escape")
        await it.type("/review")
        await it.until(lambda: isinstance(it.app.screen, ReviewScreen))
        await it.pilot.press("y", "enter")
        await it.until(lambda: it.app.screen is it.app.chat)
        assert "a + b" in (repo / "calc.py").read_text()
