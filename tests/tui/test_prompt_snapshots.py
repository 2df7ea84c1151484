from collections.abc import Iterator

import pytest
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.pilot import Pilot

from glmcode.tui.choices import Choice, Choices
from glmcode.tui.prompt.queue import Queued
from glmcode.tui.status.line import StatusLine
from glmcode.tui.texts import Language, speak
from tests.tui.prompt_app import PromptApp
from tests.tui.test_status import STATUS

SIZES = [(60, 20), (100, 30), (200, 50)]
TYPED: dict[Language, str] = {
    "en": "Fix the rounding in @duebook/money.py\nand keep [old] files readable. /co",
    "zh": "修复 @duebook/money.py 里的舍入错误，\n并保证旧文件[仍然]可读。",
}


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    speak(request.param)
    yield request.param
    speak("en")


class _Screen(PromptApp):
    def compose(self) -> ComposeResult:
        yield Vertical()
        yield self.box
        yield StatusLine()


@pytest.mark.parametrize("theme", ["glmcode-dark", "glmcode-light"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_prompt_queue_and_status(snap_compare: object, language: Language, size: tuple[int, int], theme: str) -> None:
    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, _Screen)
        app.query_one(StatusLine).status = STATUS
        await app.box.show_queue([Queued(1, TYPED[language]), Queued(2, "make test")])
        app.box.put(TYPED[language])
        await pilot.pause()

    assert callable(snap_compare)
    assert snap_compare(_Screen(theme=theme), terminal_size=size, run_before=before)


def test_commands_over_the_prompt(snap_compare: object, language: Language) -> None:
    assert callable(snap_compare)
    assert snap_compare(_Screen(), press=["slash", "c", "o"], terminal_size=(60, 20))


def test_a_list_to_choose_from(snap_compare: object, language: Language) -> None:
    async def before(pilot: Pilot[None]) -> None:
        choices = [Choice(str(number), f"修复舍入 {number}", "昨天 · 12 steps") for number in range(20)]
        pilot.app.push_screen(Choices("Sessions 会话", choices, chosen="2"))
        await pilot.pause()

    assert callable(snap_compare)
    assert snap_compare(_Screen(), terminal_size=(60, 20), run_before=before)
