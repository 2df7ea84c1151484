import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from glmcode.tui.status.activity import ActivityLine, told
from glmcode.tui.status.figures import count, dollars, seconds, share
from glmcode.tui.status.line import StatusLine
from glmcode.tui.status.meter import cells
from glmcode.tui.status.parts import line
from glmcode.tui.status.values import Activity, Segment, Status

STATUS = Status(
    engine="remote",
    model="glm-4.6",
    approval="ask",
    thinking="auto",
    segments=(Segment("system", 900), Segment("tools", 2100), Segment("pack", 24_000), Segment("history", 41_000)),
    window=200_000,
    cached_request=0.93,
    cached_session=0.88,
    tokens_in=310_000,
    tokens_out=12_400,
    cost_usd=0.214,
    sandbox="docker",
    workspace="isolated",
    branch="main",
    elapsed_s=75,
)


def _line(status: Status, width: int, now: float = 0.0) -> str:
    return line(status, now, width).plain


def test_a_wide_terminal_shows_everything() -> None:
    assert _line(STATUS, 200) == (
        "ask mode · remote glm-4.6 thinking auto · █████░░░░░░░░░░░ 34% "
        "system 900 tools 2.1K pack 24K history 41K free 132K"
        " · cache 93%, session 88% · ↑310K ↓12K · $0.21 · docker · isolated · git main · 1m15s"
    )


def test_sixty_columns_keep_what_matters() -> None:
    shown = _line(STATUS, 60)
    assert len(shown) <= 60
    assert all(each in shown for each in ("ask", "glm-4.6", "34%", "93%"))
    alarmed = _line(replace(STATUS, sandbox="none", broken_segment="tools", approval="auto"), 58)
    assert len(alarmed) <= 58 and all(each in alarmed for each in ("auto", "NO SANDBOX", "34%", "tools changed"))


def test_host_network_and_a_script_are_said_however_narrow_it_is() -> None:
    narrow = _line(replace(STATUS, network="host", engine="scripted"), 10)
    assert "host network" in narrow and "script" in narrow


@given(st.integers(0, 250), st.sampled_from(["none", "docker"]), st.booleans())
def test_the_mode_is_always_there_and_the_line_fits_when_it_can(width: int, sandbox: str, broken: bool) -> None:
    status = replace(STATUS, sandbox=sandbox, broken_segment="pack" if broken else "", branch="修复/金额")
    shown = line(status, 0.0, width)
    assert shown.plain.startswith("ask")
    if width >= 24:
        assert shown.cell_length <= width


@given(st.lists(st.integers(0, 300_000), min_size=4, max_size=4), st.integers(1, 300_000), st.integers(0, 60))
def test_the_bar_never_overflows_and_shows_all_that_is_there(tokens: list[int], window: int, width: int) -> None:
    names = ("system", "tools", "pack", "history")
    segments = tuple(Segment(name, each) for name, each in zip(names, tokens, strict=True))  # type: ignore[arg-type]
    filled = cells(segments, window, width)
    assert sum(filled) <= width and all(length >= 0 for length in filled)
    if width >= 12:
        assert all(bool(each) == bool(length) for each, length in zip(tokens, filled, strict=True))


def test_untrusted_names_draw_nothing_and_are_no_markup() -> None:
    shown = _line(replace(STATUS, branch="[red]x[/red]\x1b[2J", model="m\n\x1b]0;t\x07"), 300)
    assert "[red]x[/red]" in shown and "\x1b" not in shown and "\n" not in shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0K"), (9960, "10K"), (999_400, "999K"), (999_600, "1.0M"), (12_000_000, "12M")],
)
def test_counts_are_short(number: int, shown: str) -> None:
    assert count(number) == shown


def test_other_figures_are_short_and_honest() -> None:
    assert [share(part) for part in (0, 0.001, 0.5, 0.999, 1)] == ["0%", "1%", "50%", "99%", "100%"]
    assert [seconds(each) for each in (-1, 59.9, 185, 7620)] == ["0s", "59s", "3m05s", "2h07m"]
    assert [dollars(each) for each in (0, 0.0042, 0.374, 12.4)] == ["$0.00", "$0.0042", "$0.37", "$12.40"]


def test_a_long_title_gives_way_to_the_key_that_interrupts() -> None:
    activity = Activity("tool", 0.0, 1200, "shell " + "很长的命令 " * 20)
    for width in (40, 60, 100):
        shown = told(activity, 12.0, width)
        assert shown.cell_length <= width and "esc interrupts" in shown.plain
    assert "很长" in told(activity, 12.0, 60).plain


class _Lines(App[None]):
    def compose(self) -> ComposeResult:
        yield ActivityLine()
        yield StatusLine()


async def test_the_seconds_tick_only_while_a_turn_runs() -> None:
    app = _Lines()
    async with app.run_test(size=(100, 4)) as pilot:
        bar, activity = app.query_one(StatusLine), app.query_one(ActivityLine)
        bar.status = STATUS
        await pilot.pause()
        assert not bar._timers and not activity._timers and not activity.display
        bar.status = replace(STATUS, running_since=time.monotonic() - 5)
        activity.activity = Activity("thinking", time.monotonic() - 5)
        await pilot.pause(1.3)
        assert "6s" in str(bar.render()) and "6s" in str(activity.render())
        assert bar._timers and activity._timers
        bar.status, activity.activity = STATUS, None
        await pilot.pause(0.3)
        assert "1m15s" in str(bar.render()) and not activity.display
        assert bar._tick is None and activity._tick is None


async def test_less_motion_means_none() -> None:
    app = _Lines()
    app.animation_level = "none"
    async with app.run_test(size=(100, 4)) as pilot:
        activity = app.query_one(ActivityLine)
        activity.activity = Activity("thinking", time.monotonic())
        await pilot.pause()
        first = str(activity.render())[0]
        await pilot.pause(0.6)
        assert str(activity.render())[0] == first == "●"
