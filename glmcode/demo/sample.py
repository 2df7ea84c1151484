"""Lays out the bundled sample repository in a folder, and finds the demo's issue and script."""

import os
import subprocess
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from glmcode.config import ConfigError

_BUNDLE = files("glmcode.demo")

ISSUE: Traversable = _BUNDLE / "issue.md"
"""The issue that the demo fixes; `ISSUE.read_text(encoding="utf-8")`."""
SCRIPT: Traversable = _BUNDLE / "script.yaml"
"""The scripted engine's answers; use `importlib.resources.as_file(SCRIPT)` where a path is needed."""

_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "duebook"), ("EMAIL", "duebook@example.org"), ("DATE", "2025-03-29T09:00:00+00:00"))
}
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.excludesFile=/dev/null",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "core.fileMode=false",
    "commit.gpgSign=false",
)


class SampleError(ConfigError):
    """The sample could not be laid out. The text says what to do next."""


def create_sample(folder: Path) -> Path:
    """Copy the sample into `folder` (made if missing) and make it a git repository with one commit.

    Returns the folder, absolute. The commit is the same on every machine. Raises SampleError where the folder is
    not empty, or git is missing or fails.
    """
    root = folder.absolute()
    try:
        root.mkdir(parents=True, exist_ok=True)
        if any(root.iterdir()):
            raise SampleError(f"{root} is not empty. Name a new or an empty folder for the sample.")
        _copy(_BUNDLE / "sample", root)
    except OSError as error:
        raise SampleError(f"The sample could not be written: {error}. Name a folder that you may write to.") from error
    _git(root, "init", "--quiet", "--template=", "--initial-branch=main")
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--no-verify", "--message=Start duebook")
    return root


def _copy(source: Traversable, target: Path) -> None:
    for entry in source.iterdir():
        # Installers compile every module they unpack, the sample's too.
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            (target / entry.name).mkdir()
            _copy(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())


def _git(root: Path, *arguments: str) -> None:
    # Nothing of the user's git: no configuration, templates, hooks or signing, and no repository from the environment.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _IDENTITY
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    command = ["git", *(part for setting in _SETTINGS for part in ("-c", setting)), *arguments]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except FileNotFoundError as error:
        raise SampleError("git was not found. Install git and run this again.") from error
    except subprocess.TimeoutExpired as error:
        raise SampleError(f"git did not answer within a minute in {root}. Try another folder.") from error
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip()
        raise SampleError(f"git {arguments[0]} failed in {root}: {reason}")
