import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.glmcode.session.fast_cli import FastCli, serving


@pytest.fixture(scope="session")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator["subprocess.Popen[str]"]:
    """The process that forks command lines, one a worker."""
    with serving(tmp_path_factory.mktemp("forking")) as process:
        yield process


@pytest.fixture
def cli(tmp_path: Path, forking: "subprocess.Popen[str]") -> FastCli:
    """The command line of a user whose home is the test's folder."""
    return FastCli(tmp_path, forking)
