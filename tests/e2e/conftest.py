"""What the end-to-end tests share: a user, a repository with a bug, and a sandbox image."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import CommandLine, host_image
from tests.e2e.place import SOURCE, commit_all
from tests.glmcode.live.working import make_repo


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """An image made from this host, one a worker."""
    with host_image("glmcode-e2e-test") as tag:
        yield tag


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "calc.py").write_text(SOURCE)
    (folder / "notes.txt").write_text("one\ntwo\nthree\n")
    commit_all(folder)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Path]:
    """A home and a repository, for the interface in a terminal."""
    home = tmp_path / "home"
    home.mkdir()
    return home, make_repo(tmp_path)


@pytest.fixture
def user(tmp_path: Path) -> CommandLine:
    """A user who starts glmcode somewhere else than in the repository."""
    home = tmp_path / "home"
    home.mkdir()
    return CommandLine(home, {"NO_PROXY": "*", "no_proxy": "*"})
