"""How a person likes the interface: theme, language and mouse, remembered between starts."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from glmcode import paths
from glmcode.tui.texts import LANGUAGES, Language, language_of

FILE_NAME = "interface.json"


@dataclass(frozen=True, slots=True)
class Preferences:
    """None: nothing was chosen, so the environment decides."""

    theme: str | None = None
    language: Language | None = None
    mouse: bool = True

    @property
    def spoken(self) -> Language:
        """The chosen language, else the locale's."""
        return self.language or language_of(os.environ)


def load_preferences() -> Preferences:
    """What was chosen before; a file that cannot be read counts as none."""
    try:
        read: Any = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Preferences()
    if not isinstance(read, dict):
        return Preferences()
    theme, language = read.get("theme"), read.get("language")
    return Preferences(
        theme=theme if isinstance(theme, str) else None,
        language=language if language in LANGUAGES else None,
        mouse=read.get("mouse") is not False,
    )


def prefer(**chosen: Any) -> None:
    """Remember what was chosen, beside what was before. Blocks. Raises OSError."""
    changed = replace(load_preferences(), **chosen)
    folder = paths.state_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = folder / f"{FILE_NAME}.{os.getpid()}"
    temporary.write_text(json.dumps(asdict(changed)), encoding="utf-8")
    temporary.replace(_file())


def _file() -> Path:
    return paths.state_dir() / FILE_NAME
