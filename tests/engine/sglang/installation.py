"""An environment in which `sglang` is the stand-in of fake_server.py, found the way the real one is."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from glmcode_engine.sglang.command import ServeSpec
from glmcode_engine.sglang.options import ServeOptions

PROGRAM = Path(__file__).with_name("fake_server.py")


def install(folder: Path, *, version: str = "0.5.23", reads_config: bool = True) -> Path:
    """A folder for PYTHONPATH that holds a distribution named sglang."""
    site = folder / "site"
    (site / "sglang/cli").mkdir(parents=True)
    for package in ("sglang", "sglang/cli"):
        (site / package / "__init__.py").write_text("")
    (site / "sglang/cli/main.py").write_text(PROGRAM.read_text())
    info = site / f"sglang-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: sglang\nVersion: {version}\n")
    parser = "sglang/srt/utils/server_args_config_parser.py,,\n" if reads_config else ""
    (info / "RECORD").write_text(f"sglang/cli/main.py,,\n{parser}")
    return site


def checkpoint(folder: Path) -> Path:
    model = folder / "model"
    model.mkdir(exist_ok=True)
    (model / "config.json").write_text("{}")
    return model


def served(folder: Path, monkeypatch: pytest.MonkeyPatch, modes: str = "", **more: object) -> ServeOptions:
    """Options of a server that is the stand-in."""
    monkeypatch.setenv("PYTHONPATH", str(install(folder)))
    monkeypatch.setenv("FAKE_SGLANG", modes)
    given = {"spec": ServeSpec(model=str(checkpoint(folder))), "folder": folder / "state", "python": sys.executable}
    return ServeOptions.model_validate({**given, "grace_s": 3.0, "start_timeout_s": 30.0, **more})


def processes_with(words: str) -> list[str]:
    """Command lines of running processes that hold these words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line and int(path.parent.name) != os.getpid():
            found.append(line)
    return found


async def until(condition: object, limit_s: float = 20.0) -> None:
    """Wait for a condition (a callable) to hold."""
    assert callable(condition)
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
