"""Real git repositories for the workspace tests, and what a test wants to know of them."""

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Plain git as a person runs it; fails the test when git fails."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **IDENTITY}
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode(errors="surrogateescape")


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def make_repository(folder: Path, files: dict[str, str | bytes], *, object_format: str = "sha1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main", f"--object-format={object_format}")
    write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "start")
    return folder


def contents(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """Every file below a folder but `.git`: its permission bits and content, or the text of a link."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if ".git" in relative.parts:
            continue
        if path.is_symlink():
            found[str(relative)] = (0, os.readlink(path))  # noqa: PTH115
        elif path.is_file():
            found[str(relative)] = (path.stat().st_mode & 0o777, path.read_bytes())
    return found


def git_state(folder: Path) -> dict[str, bytes]:
    """Every file of the git folder with its content, to show that nothing wrote there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / ".git").rglob("*"))
        if path.is_file()
    }
