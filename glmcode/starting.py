"""With what an interactive face begins."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from glmcode.config import Settings


@dataclass(frozen=True, slots=True)
class Start:
    """Made by the command line, before anything is opened."""

    settings: Settings
    repo: Path
    """The top of the repository."""
    prompt: str = ""
    """What the first turn begins with; empty: the person types it."""
    untrusted: Path | None = None
    """The repository's own configuration, where it is left out because nobody has trusted it yet."""
    reload: Callable[[], Settings] | None = None
    """Reads all layers again, after one of them changed. Raises ConfigError."""
