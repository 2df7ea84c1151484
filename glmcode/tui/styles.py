"""Where the interface's styles are: one TCSS file beside each widget or screen, and `app.tcss` for what they share."""

from pathlib import Path

from textual.css.stylesheet import Stylesheet

_FOLDER = Path(__file__).parent.absolute()
_FIRST = ("app.tcss", "chat.tcss", "loading.tcss", "aside", "find", "prompt", "status", "transcript", "welcome")


def first_style_files() -> list[Path]:
    """Those of the screen that is seen first, `app.tcss` before all others."""
    return [file for name in _FIRST for file in _files(_FOLDER / name)]


def style_files() -> list[Path]:
    """All of them; pass them as an application's CSS_PATH."""
    first = first_style_files()
    return [*first, *(file for file in _files(_FOLDER) if file not in first)]


def read_all_styles(stylesheet: Stylesheet) -> None:
    """Read those that the first screen did not need; once. Each rule costs time whenever a widget is styled."""
    if others := [file for file in style_files() if not stylesheet.has_source(str(file))]:
        stylesheet.read_all(others)
        stylesheet.parse()


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.tcss")) if path.is_dir() else [path]
