from collections.abc import Iterator

import pytest
from rich.cells import cell_len
from textual.widgets import Static

from glmcode.events import CacheBroken, UsageCounted
from glmcode.tui.context.chart import Fill, chart
from glmcode.tui.context.screen import LOOK_S, ContextScreen
from glmcode.tui.standing import Standing
from glmcode.tui.status.values import Segment, Status
from glmcode.tui.texts import Language, speak
from glmcode_engine.messages import Usage
from tests.tui.dialogs.app import DialogApp

SEGMENTS = (Segment("system", 1_200), Segment("tools", 3_400), Segment("pack", 32_000), Segment("history", 40_000))
STATUS = Status(
    engine="remote", model="glm-4.6", approval="ask", segments=SEGMENTS, window=200_000, cached_request=0.96,
    cached_session=0.9, tokens_in=310_000, tokens_out=4_500, cost_usd=0.12,
)  # fmt: skip
BROKEN = CacheBroken(segment="[b]user[/b]", cause="thinking\x1b[2J switched off")
FILL = Fill(STATUS, Usage(prompt_tokens=76_600, completion_tokens=500, cached_tokens=73_500), 285_000, BROKEN)


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    speak(request.param)
    yield request.param
    speak("en")


def test_every_segment_has_its_tokens_and_share_and_the_rest_is_free() -> None:
    told = chart(FILL, 70).plain
    rows = {row.split()[0]: row.split()[1:3] for row in told.splitlines() if "━" in row}
    assert rows == {
        "system": ["1.2K", "1%"],
        "tools": ["3.4K", "2%"],
        "pack": ["32K", "16%"],
        "history": ["40K", "20%"],
        "free": ["123K", "62%"],
    }
    assert "38% of 200K tokens" in told and "↑77K ↓500 · 96% cached" in told and "$0.12" in told
    assert "92% cached at best" in told


def test_what_broke_the_cache_is_plain_text() -> None:
    told = chart(FILL, 70).plain
    assert "[b]user[/b]: thinking" in told and "\x1b" not in told
    assert "never" in chart(Fill(STATUS, Usage()), 70).plain


@pytest.mark.parametrize("width", [40, 54, 84])
def test_no_line_is_wider_than_there_is_room(language: Language, width: int) -> None:
    assert max(cell_len(line) for line in chart(FILL, width).plain.splitlines()) <= width


def test_a_window_that_nobody_told_or_measured_is_said() -> None:
    bare = Status(engine="remote", model="m", approval="ask", segments=SEGMENTS)
    told = chart(Fill(bare, Usage()), 70).plain
    assert "not told" in told and "free" not in told and "nothing yet" in told
    assert "measured with the next message" in chart(Fill(Status("remote", "m", "ask"), Usage()), 70).plain


async def test_it_follows_what_happens_and_escape_puts_it_away() -> None:
    fills = [FILL]
    app = DialogApp(ContextScreen(lambda: fills[-1]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "38%" in str(app.screen.query_one(".chart", Static).render())
        fills.append(Fill(Status("remote", "m", "ask", segments=SEGMENTS, window=100_000), Usage()))
        await pilot.pause(LOOK_S * 2)
        assert "77%" in str(app.screen.query_one(".chart", Static).render())
        await pilot.press("escape")
        await pilot.pause()
        assert app.answers == [None]


def test_what_the_cache_could_have_given_is_what_had_been_sent_before() -> None:
    standing = Standing()
    for prompt in (1000, 1500, 400, 500):
        usage = Usage(prompt_tokens=prompt)
        standing.apply(UsageCounted(step=1, usage=usage, total=usage))
    assert (standing.sent_before, standing.total.prompt_tokens) == (1000 + 400 + 400, 3400)
