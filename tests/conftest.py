"""Which parts this machine has: a test that needs a missing one is skipped, or fails where all are required."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sglang_cpu.rig import find_rig


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
}


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
