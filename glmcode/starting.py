"""With what an interactive face begins."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glmcode.config import Settings


@dataclass(frozen=True, slots=True)
class Start:
    """Made by the command line, before anything is opened."""

    settings: "Settings | None"
    """None: `read` gives them, which takes longer than it takes to show the prompt."""
    repo: Path
    """The top of the repository."""
    prompt: str = ""
    """What the first turn begins with; empty: the person types it."""
    untrusted: Path | None = None
    """The repository's own configuration, where it is left out because nobody has trusted it yet."""
    reload: "Callable[[], Settings] | None" = None
    """Reads all layers again, after one of them changed. Raises ConfigError."""
    read: "Callable[[], Start] | None" = None
    """The same start with its settings. Blocks. Raises ConfigError, SessionError, WorkspaceError."""


def hurry() -> None:
    """Look for no garbage from here on until `settle`: nearly all that a start makes stays."""
    gc.disable()


def settle() -> None:
    """The start is over; what it made is left out of later searches for garbage."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
