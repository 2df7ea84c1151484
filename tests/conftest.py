"""Which parts this machine has: a test that needs a missing one is skipped, or fails where all are required."""

import functools
import gc
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.sglang_cpu.rig import find_rig
from tests.sglang_cpu.serving import START_S, Served, serving
from tests.vscode.rig import find_rig as find_vscode

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

settings.register_profile("glmcode", deadline=None)  # how busy the machine is says nothing about the code
settings.load_profile("glmcode")
# Whoever starts the tests may ignore these (nohup, a shell's &), and every child would inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


@functools.cache
def has_docker() -> bool:
    import docker
    from docker.errors import DockerException

    try:
        return bool(docker.from_env(timeout=5).ping())
    except DockerException:
        return False


@functools.cache
def has_bwrap() -> bool:
    command = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"]
    return (
        shutil.which("bwrap") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


_PARTS: dict[str, tuple[Callable[[], bool], str]] = {
    "docker": (has_docker, "no Docker daemon answers: install docker.io and start dockerd"),
    "bwrap": (has_bwrap, "bubblewrap does not work here: install bubblewrap and allow user namespaces"),
    "sglang": (lambda: find_rig() is not None, "no SGLang server for tests here: run make sglang-cpu"),
    "vscode": (lambda: find_vscode() is not None, "no VS Code for tests here: run make vscode-rig"),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadScopeScheduling | None":
    """Tests of the real SGLang server, known by the names of their files, share one server and so one worker."""
    if config.getvalue("dist") != "load":
        return None
    from tests.sglang_cpu.together import TogetherScheduling

    return TogetherScheduling(config, log)


def pytest_sessionstart() -> None:
    """Look for no garbage while the tests are collected: all of it stays, and is some hundred megabytes."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later search for garbage."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("sglang"):
            item.add_marker(pytest.mark.timeout(START_S + 120))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, (present, remedy) in _PARTS.items():
        if item.get_closest_marker(marker) and not present():
            if os.environ.get("GLMCODE_REQUIRE_PARTS"):
                pytest.fail(remedy)
            pytest.skip(remedy)


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for every test: no user's configuration, keys or sessions are read or written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith(("XDG_", "GLMCODE_")) and name != "GLMCODE_REQUIRE_PARTS":
            monkeypatch.delenv(name)
    for name in ("ZAI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def sglang_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The real SGLang server with the tiny checkpoint; for tests marked sglang."""
    rig = find_rig()
    assert rig is not None, "a test that uses sglang_server needs the marker sglang"
    with serving(rig, tmp_path_factory.mktemp("sglang")) as served:
        yield served
