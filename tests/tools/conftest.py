"""A sandbox on this machine over a folder of the test's own, and a context around it."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from glmcode_sandbox.local import LocalSandbox
from glmcode_tools.base import ToolContext

_TOOLCHAINS = ("CARGO_HOME", "RUSTUP_HOME", "JAVA_HOME")
_HOME = Path.home()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest_asyncio.fixture
async def local(repository: Path) -> AsyncIterator[LocalSandbox]:
    """Commands see this interpreter as `python3`, and the toolchains of whoever runs the tests."""
    env = {name: os.environ[name] for name in _TOOLCHAINS if name in os.environ}
    env |= {"CARGO_HOME": str(_HOME / ".cargo"), "RUSTUP_HOME": str(_HOME / ".rustup")} | env
    # Our own plugins have no part in the little suites, and take a second of each run.
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "/usr/bin:/bin")])
    sandbox = LocalSandbox([], str(repository), env=env)
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.close()


@pytest.fixture
def context(local: LocalSandbox) -> ToolContext:
    return ToolContext(sandbox=local)


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
