from pathlib import Path

from textual.widgets import Static

from glmcode.tui.context.screen import ContextScreen
from glmcode.tui.status.line import StatusLine
from glmcode.tui.transcript.entries import Call
from tests.glmcode.context.test_warming import fill
from tests.glmcode.live.working import make_repo, shell
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


async def test_context_shows_the_window_also_before_the_first_step_has_ended(tmp_path: Path) -> None:
    async with opened(tmp_path, [{"tool_calls": [shell("sleep 60")]}], window=50_000) as it:
        await it.type("wait")
        await it.until(lambda: any(isinstance(each, Call) for each in it.entries))
        await it.type("/context")
        await it.until(lambda: isinstance(it.app.screen, ContextScreen))
        await it.until(lambda: "50K" in str(it.app.screen.query_one(".chart", Static).render()))


async def test_the_status_line_tells_how_far_the_index_is_until_it_is_there(tmp_path: Path) -> None:
    repo = make_repo(tmp_path)
    fill(repo, 3000)
    seen: list[str] = []
    async with opened(tmp_path, repo=repo, context=4000, size=(160, 30)) as it:

        def look() -> bool:
            line = str(it.app.chat.query_one(StatusLine).render())
            seen.append(line)
            return bool(it.talk.live) and "indexing" not in line

        await it.until(lambda: not look())
        await it.until(look)
    assert any(" of 3,001 files" in line for line in seen)
