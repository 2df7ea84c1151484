"""The settings of one call: its flags, the environment, and the files that may be obeyed."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glmcode import paths
from glmcode.cli.failing import say as say
from glmcode.config import PROJECT_FILE, Settings, load
from glmcode.telling import told
from glmcode.trust import is_trusted, project_config, remember
from glmcode_sandbox.workspace import WorkspaceError, find_repository

if TYPE_CHECKING:
    from glmcode.places.devcontainers import Ask


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings of this call, with the project's file where it is trusted. Raises ConfigError."""
    flags = flags_of(options)
    project, untrusted = project_files(flags)
    if untrusted is not None:
        say_untrusted()
    return load(flags, user_file=paths.config_file(), project_file=project)


def say_untrusted() -> None:
    """The repository's own configuration does not hold."""
    say(f"{PROJECT_FILE} is left out: this repository is not trusted yet, or the file changed; --yes trusts it")


def flags_of(options: argparse.Namespace) -> dict[str, Any]:
    """What was given on the command line, by the names of the settings."""
    return {name: value for name, value in vars(options).items() if name in Settings.model_fields and value is not None}


def project_files(flags: dict[str, Any]) -> tuple[Path | None, Path | None]:
    """The project's file when it is trusted (`--yes` trusts it), else the one that the user may be asked about."""
    try:
        repo = find_repository(Path(flags.get("repo") or os.environ.get("GLMCODE_REPO") or Path.cwd()))
    except WorkspaceError:
        return None, None  # reported by whoever needs the repository
    path = project_config(repo)
    if path is None or is_trusted(repo, paths.state_dir()):
        return path, None
    if flags.get("yes") or os.environ.get("GLMCODE_YES", "").lower() in ("1", "true", "yes", "on"):
        remember(repo, paths.state_dir())
        return path, None
    return None, path


def is_session(value: str) -> bool:
    """Whether this looks like a session's id rather than a prompt."""
    return value == "latest" or (value[:8].isdigit() and value.count("-") == 2 and " " not in value)


def ask_on_terminal() -> "Ask | None":
    """Puts a question on the terminal, no being the default; None where nobody sits at one."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    async def ask(question: str) -> bool:
        print(f"{told(question)} [y/N] ", end="", file=sys.stderr, flush=True)
        answer = await asyncio.to_thread(sys.stdin.readline)
        return answer.strip().lower() in ("y", "yes")

    return ask
