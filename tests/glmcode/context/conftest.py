import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
Write = Callable[[Mapping[str, str]], None]
Commit = Callable[[str], None]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


@pytest.fixture
def write(repo: Path) -> Write:
    def write_all(texts: Mapping[str, str]) -> None:
        for path, text in texts.items():
            (repo / path).parent.mkdir(parents=True, exist_ok=True)
            (repo / path).write_text(text)

    return write_all


@pytest.fixture
def commit(repo: Path) -> Commit:
    def commit_all(message: str) -> None:
        git(repo, "add", "-A")
        git(repo, "commit", "-qm", message)

    return commit_all
