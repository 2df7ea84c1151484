"""A small git repository to run in."""

import subprocess
from pathlib import Path


def make_repository(folder: Path, files: int = 20) -> Path:
    """A repository of `files` small modules with one commit."""
    folder.mkdir(parents=True)
    for number in range(files):
        (folder / f"module_{number}.py").write_text(f"def value_{number}():\n    return {number}\n")
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "start"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder
