"""How the screens of /rewind and /pack look."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from glmcode.config import Settings
from glmcode.context.record import ContextPack, PackedFile
from glmcode.live.indexing import Indexing
from glmcode.live.packing import Packing
from glmcode.live.rewinding import rewind, steps_of
from glmcode.tui.lines.view import LinesView
from glmcode.tui.pack.screen import PackScreen
from glmcode.tui.prompt.mentions import RepositoryMentions
from glmcode.tui.rewind.screen import RewindScreen
from glmcode.tui.texts import Language, speak
from tests.glmcode.live.working import EDIT, living, make_repo, played, shell
from tests.tui.dialogs.app import DialogApp

SIZES = pytest.mark.parametrize("size", [(60, 20), (100, 30)], ids=lambda size: f"{size[0]}x{size[1]}")
FILES = (
    PackedFile(path="duebook/money.py", ranges=None, tokens=1830, score=9.0, why="named in the task"),
    PackedFile(
        path="duebook/[old]/舍入.py", ranges=((1, 40), (88, 88)), tokens=612, score=4.0, why="matches round, cents"
    ),
    PackedFile(path="tests/test_money.py", ranges=((10, 60),), tokens=540, score=3.0, why="imported by what matches"),
)
PACK = ContextPack(budget=24_000, tokens=3100, text="", files=FILES, seconds=0.1, budget_why="a bug with a trace")
SCRIPT: list[dict[str, Any]] = [
    {"tool_calls": [EDIT]},
    {"content": "fixed"},
    {"tool_calls": [shell("printf '[red]x[/red]\\n' > new.txt"), shell("python -m unittest")]},
    {"content": "made"},
    {"content": "after"},
]


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Iterator[Language]:
    speak(request.param)
    yield request.param
    speak("en")


@SIZES
def test_pack(snap_compare: object, tmp_path: Path, language: Language, size: tuple[int, int]) -> None:
    async def pack() -> ContextPack:
        return PACK

    async def before(pilot: Pilot[None]) -> None:
        packing = Packing(Settings(pin=("duebook/money.py",), drop=("docs",)), tmp_path, Indexing(tmp_path))
        await pilot.app.push_screen(PackScreen(packing, pack, None, find=RepositoryMentions(tmp_path).files))
        while not pilot.app.screen.query_one(OptionList).option_count > len(FILES):
            await pilot.pause()
        await pilot.press("down")
        await pilot.pause()

    assert callable(snap_compare)
    assert snap_compare(DialogApp(), terminal_size=size, run_before=before)


@SIZES
def test_rewind(
    snap_compare: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: Language,
    size: tuple[int, int],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    async def before(pilot: Pilot[None]) -> None:
        async with living(make_repo(tmp_path), SCRIPT) as live:
            await played(live.turn("fix [add]"))
            await played(live.turn("写一个文件 make a file"))
            await rewind(live, "3", files=False, conversation=True)
            await pilot.app.push_screen(RewindScreen(live, steps_of(live)))
            screen = pilot.app.screen
            options = screen.query_one(OptionList)
            while "calc.py" not in str(options.get_option_at_index(1).prompt):
                await pilot.pause()
            await pilot.press("home")
            while not screen.query_one(LinesView).lines or "calc.py" not in str(
                screen.query_one(".effect", Static).content
            ):
                await pilot.pause()
            await pilot.app.workers.wait_for_complete()

    assert callable(snap_compare)
    assert snap_compare(DialogApp(), terminal_size=size, run_before=before)
