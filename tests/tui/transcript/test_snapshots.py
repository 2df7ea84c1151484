from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from glmcode.events import VerdictReached
from glmcode.tui.texts import speak
from glmcode.tui.theme import DARK, LIGHT
from glmcode.tui.transcript.view import TranscriptView
from tests.tui.transcript.app import ViewApp
from tests.tui.transcript.conversations import ANSWER, ANSWER_ZH, typical

Compare = Callable[..., bool]


@pytest.fixture
def chinese() -> Iterator[None]:
    speak("zh")
    yield
    speak("en")


def conversation(prompt: str, answer: str, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def show(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        view = pilot.app.query_one(TranscriptView)
        view.user(prompt)
        for event in typical(answer):
            view.apply(event)
        view.apply(VerdictReached(verdict="verified", fixed=("test_year",), passed=14))
        view.lay_out_changes()
        if keys:
            view.focus()
            await pilot.press(*keys)
        await pilot.pause(0.1)

    return show


ENGLISH = conversation("Fix the date parser: `2024-05` is read as the year 20.", ANSWER)


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
@pytest.mark.parametrize("size", [(60, 20), (100, 30)], ids=["60x20", "100x30"])
def test_a_typical_conversation(snap_compare: Compare, theme: str, size: tuple[int, int]) -> None:
    assert snap_compare(ViewApp(theme), terminal_size=size, run_before=ENGLISH)


def test_a_chinese_conversation(snap_compare: Compare, chinese: None) -> None:
    show = conversation("修复日期解析：`2024-05` 被读成公元 20 年。", ANSWER_ZH)
    assert snap_compare(ViewApp(), terminal_size=(60, 20), run_before=show)


def test_an_opened_call_with_the_cursor_further_up(snap_compare: Compare) -> None:
    show = conversation("Fix the date parser.", ANSWER, *["up"] * 5, "enter", "pageup")
    assert snap_compare(ViewApp(), terminal_size=(100, 30), run_before=show)
