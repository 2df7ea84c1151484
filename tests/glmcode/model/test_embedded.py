import sys
from pathlib import Path

import pytest

from glmcode.config import Settings
from glmcode.model.embedded import EmbeddedEngine, PhaseTeller
from glmcode.model.engines import open_engine, ready_window, start_engine
from glmcode_engine.base import EngineError
from glmcode_engine.sglang.phases import Phase
from glmcode_engine.sglang.processes import ProcessMark
from glmcode_engine.sglang.record import Record
from tests.engine.sglang.installation import checkpoint, install, processes_with


async def test_the_engine_of_this_machine_is_there_while_it_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(install(tmp_path)))
    monkeypatch.setenv("FAKE_SGLANG", "")
    settings = Settings(engine="sglang", model_path=str(checkpoint(tmp_path)), sglang_python=sys.executable)
    engine = open_engine(settings)
    assert isinstance(engine, EmbeddedEngine) and engine.info.base_url is None and await engine.window() is None
    said: list[str] = []
    await start_engine(engine, said.append)
    try:
        assert (engine.info.kind, engine.info.model) == ("sglang", "glm-4.6")
        # Which phases are seen on the way depends on how fast it goes.
        assert len(said) > 1 and said[-1] == f"engine: ready at {engine.info.base_url}"
        assert await ready_window(engine, settings) == 4096
    finally:
        await engine.aclose()
    assert not processes_with(str(tmp_path / "model"))


async def test_without_a_checkpoint_nothing_is_started() -> None:
    with pytest.raises(EngineError, match="pass --model-path") as caught:
        await start_engine(EmbeddedEngine(Settings(engine="sglang")), print)
    assert (caught.value.kind, caught.value.retry) == ("unreachable", "never")


def test_progress_within_a_phase_is_told_seldom_and_every_phase_once() -> None:
    said: list[str] = []
    tell = PhaseTeller(said.append)
    phases = [Phase(name="load", fraction=number / 100) for number in range(100)]
    for phase in (Phase(name="starting"), *phases, Phase(name="kv"), Phase(name="ready")):
        tell(record(phase))
    assert said == [
        "engine: starting the server",
        "engine: loading the weights, 0%",
        "engine: allocating the KV cache",
        "engine: ready at http://127.0.0.1:5/v1",
    ]


def record(phase: Phase) -> Record:
    return Record(
        name="default", state="starting", phase=phase, supervisor=ProcessMark(pid=1, started="x"), port=5,
        model_path="m", served_name="glm-4.6", version=None, log="l", since=0.0, while_used=True,
    )  # fmt: skip
