import sys
from pathlib import Path

import pytest

from glmcode.model.embedded import PhaseTeller
from glmcode.model.loading import Loading
from glmcode.tui.loading import EngineLoading
from glmcode.tui.texts import LANGUAGES, _table
from glmcode_engine.sglang.phases import PHASES, Phase
from glmcode_engine.sglang.processes import ProcessMark
from glmcode_engine.sglang.record import Record
from tests.engine.sglang.installation import checkpoint, install, processes_with
from tests.tui.app.opened import opened


def record(phase: Phase) -> Record:
    return Record(
        name="default", state="starting", phase=phase, supervisor=ProcessMark(pid=1, started="x"), port=5,
        model_path="m", served_name="glm-4.6", version=None, log="l", since=0.0, while_used=True,
    )  # fmt: skip


def test_whoever_watches_gets_every_step_of_a_start_and_nobody_is_told() -> None:
    seen: list[Loading] = []
    said: list[str] = []
    teller = PhaseTeller(said.append, seen.append)
    for phase in (Phase(name="load", fraction=0.25), Phase(name="load", fraction=0.5), Phase(name="ready")):
        teller(record(phase))
        teller(record(phase))
    assert [(each.step, each.fraction, each.done) for each in seen] == [
        (2, 0.25, False),
        (2, 0.5, False),
        (6, None, True),
    ]
    assert said == [] and [each.share for each in seen] == sorted(each.share for each in seen) and seen[-1].share == 1.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phase_has_a_name_in_every_language(language: str) -> None:
    table = _table("zh" if language == "zh" else "en")
    assert [at for at in range(len(PHASES)) if f"loading.{at}" not in table] == []


async def test_the_bar_is_there_while_an_engine_starts_and_names_the_phase(tmp_path: Path) -> None:
    async with opened(tmp_path) as it:
        bar = it.app.chat.query_one(EngineLoading)
        assert not bar.display
        bar.show(Loading("loading the weights", 2, 7, 0.5))
        await it.pilot.pause()
        assert bar.display and "loading the weights 50%" in bar.render().plain
        bar.show(Loading("ready", 6, 7))
        await it.pilot.pause()
        assert not bar.display


async def test_escape_ends_a_start_and_its_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(install(tmp_path)))
    monkeypatch.setenv("FAKE_SGLANG", "slow")
    model = str(checkpoint(tmp_path))
    async with opened(tmp_path, engine="sglang", model_path=model, sglang_python=sys.executable) as it:
        bar = it.app.chat.query_one(EngineLoading)
        await it.until(lambda: bar.display)
        await it.pilot.press("escape")
        await it.until(lambda: not bar.display)
        await it.until(lambda: not processes_with(str(tmp_path / "model")))
        assert it.app.is_running and not it.talk.busy
