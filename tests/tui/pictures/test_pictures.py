"""Every screen and dialog as a picture: in all sizes, light, and in Chinese; small ones less often."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from glmcode.tui.texts import Language, speak
from glmcode.tui.theme import DARK, LIGHT
from tests.tui.pictures import begins, dialogs, prompts, talks
from tests.tui.pictures.scene import Place

SCENES = talks.SCENES | prompts.SCENES | dialogs.SCENES | begins.SCENES
LOOKS: dict[str, tuple[tuple[int, int], str, Language]] = {
    "60x20": ((60, 20), DARK.name, "en"),
    "100x30": ((100, 30), DARK.name, "en"),
    "200x50": ((200, 50), DARK.name, "en"),
    "light": ((100, 30), LIGHT.name, "en"),
    "chinese": ((100, 30), DARK.name, "zh"),
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
    speak("en")


PICTURES = [
    pytest.param(scene, look, id=f"{scene}-{look}")
    for scene in SCENES
    for look in LOOKS
    if not SCENES[scene].is_small or look not in ("100x30", "200x50")
]


@pytest.mark.parametrize(("scene", "look"), PICTURES)
def test_looks(
    snap_compare: Callable[..., bool], own_home: Path, monkeypatch: pytest.MonkeyPatch, scene: str, look: str
) -> None:
    size, theme, language = LOOKS[look]
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8" if language == "zh" else "C.UTF-8")
    speak(language)
    place = Place(own_home, language)
    app = SCENES[scene].make(place)
    app.theme = theme

    async def before(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        await SCENES[scene].happen(pilot, place)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=before)
