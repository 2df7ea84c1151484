"""Whether a repository's own configuration is obeyed: asked once per content, remembered for the user."""

import hashlib
import json
import os
from pathlib import Path

from glmcode.config import PROJECT_FILE


def project_config(repo: Path) -> Path | None:
    """The repository's configuration file, when it is a plain file inside the repository."""
    path = repo / PROJECT_FILE
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        return None
    return path


def is_trusted(repo: Path, state: Path) -> bool:
    """Whether the user has trusted this repository with exactly this configuration."""
    return has_agreed(str(repo), _digest(repo), state)


def remember(repo: Path, state: Path) -> None:
    """Trust this repository's configuration as it is now; a changed file is asked about again."""
    agree(str(repo), _digest(repo), state)


def has_agreed(subject: str, digest: str, state: Path) -> bool:
    """Whether the user has said yes to exactly this content of `subject`."""
    return _known(state).get(subject) == digest


def agree(subject: str, digest: str, state: Path) -> None:
    """Remember a yes to this content; another content of the same subject is asked about again."""
    known = {**_known(state), subject: digest}
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = state / f"trust.json.{os.getpid()}"
    temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
    temporary.replace(state / "trust.json")


def _known(state: Path) -> dict[str, str]:
    try:
        known = json.loads((state / "trust.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _digest(repo: Path) -> str:
    path = project_config(repo)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
