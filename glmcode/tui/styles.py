"""Where the interface's styles are: one TCSS file beside each widget or screen, and `app.tcss` for what they share."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def style_files() -> list[Path]:
    """All of them, `app.tcss` first; pass them as an application's CSS_PATH."""
    first = _FOLDER / "app.tcss"
    return [first, *sorted(path for path in _FOLDER.rglob("*.tcss") if path != first)]
