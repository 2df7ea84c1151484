"""What the tests in VS Code share: a repository, an endpoint, an image, and a folder for pictures."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import host_image
from tests.simulated import SimulatedEndpoint
from tests.vscode.calculator import FILES, PICTURES, Endpoint


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    with host_image("glmcode-vscode-test") as tag:
        yield tag


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "calculator" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "calculator" / name).write_text(text)
    git = ["git", "-C", str(tmp_path / "calculator"), "-c", "user.name=n", "-c", "user.email=n@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    return tmp_path / "calculator"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where people look at what the window looked like."""
    folder = PICTURES or tmp_path / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
async def endpoint(own_home: Path, image: str) -> AsyncIterator[Endpoint]:
    """The endpoint of the user's configuration."""
    answers: list[Any] = []
    async with SimulatedEndpoint(lambda _, number: answers[number]) as server:
        config = own_home / ".config/glmcode/config.toml"
        config.parent.mkdir(parents=True)
        lines = [f'base_url = "{server.base_url}"', f'image = "{image}"', "context = 0"]
        config.write_text("\n".join([*lines, 'test_command = "python3 -m unittest -v"', ""]))
        yield Endpoint(server, answers)


@pytest.fixture
def answers(endpoint: Endpoint) -> list[Any]:
    """What it answers, in order."""
    return endpoint.answers
