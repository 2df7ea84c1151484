"""Ends what a failing test of the supervisor would leave running."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from glmcode_engine.sglang.attach import stop
from glmcode_engine.sglang.record import Place


@pytest.fixture(autouse=True)
def nothing_left_running(tmp_path: Path) -> Iterator[None]:
    yield
    if (tmp_path / "state/default.lock").exists():
        asyncio.run(stop(Place(tmp_path / "state"), grace_s=3.0))
