from typing import ClassVar

from textual.app import App
from textual.types import CSSPathType

from glmcode.tui.choices import Choice, Choices
from glmcode.tui.styles import style_files
from glmcode.tui.theme import DARK

MODELS = [Choice("a", "glm-4.6", "z.ai"), Choice("b", "glm-4.5-air", "local"), Choice("c", "[bold]other", "x\x1b[2Jy")]


class _App(App[None]):
    CSS_PATH: ClassVar[CSSPathType] = [*style_files()]

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.answers: list[str | None] = []


async def _chosen(*keys: str, chosen: str | None = None) -> list[str | None]:
    app = _App()
    async with app.run_test() as pilot:
        app.push_screen(Choices("Model", MODELS, chosen=chosen), app.answers.append)
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        return app.answers


async def test_keys_choose_and_go_around_the_ends() -> None:
    assert await _chosen("enter") == ["a"]
    assert await _chosen("down", "enter") == ["b"]
    assert await _chosen("up", "enter") == ["c"]
    assert await _chosen("pagedown", "enter") == ["c"]
    assert await _chosen("enter", chosen="b") == ["b"]
    assert await _chosen("escape") == [None]


async def test_letters_filter_labels_and_details() -> None:
    assert await _chosen("a", "i", "r", "enter") == ["b"]
    assert await _chosen("l", "o", "c", "enter") == ["b"]
    assert await _chosen("q", "q", "enter") == []
    assert await _chosen("q", "backspace", "enter") == ["a"]


async def test_the_mouse_chooses_and_a_click_beside_leaves() -> None:
    app = _App()
    async with app.run_test() as pilot:
        app.push_screen(Choices("Model", MODELS), app.answers.append)
        await pilot.pause()
        await pilot.click("OptionList", offset=(2, 1))
        await pilot.pause()
        app.push_screen(Choices("Model", MODELS), app.answers.append)
        await pilot.pause()
        await pilot.click(offset=(0, 0))
        await pilot.pause()
        assert app.answers == ["b", None]


async def test_untrusted_labels_are_no_markup_and_draw_nothing() -> None:
    app = _App()
    async with app.run_test() as pilot:
        app.push_screen(Choices("Model", MODELS), app.answers.append)
        await pilot.pause()
        picture = app.export_screenshot()
        assert "[bold]other" in picture.replace("&#160;", " ") and "\x1b" not in picture
