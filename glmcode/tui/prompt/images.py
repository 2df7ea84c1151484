"""Recognises pictures that are pasted or dropped on the prompt: GLM-4.6 reads text alone."""

import re
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".ico"}
)
_DATA = re.compile(r"\s*(?:data:image/|.?PNG\r?\n|GIF8[79]a|RIFF.{4}WEBP|.{0,6}JFIF)", re.DOTALL)
_MAX_PATH = 4096


def is_image_data(pasted: str) -> bool:
    """Whether the paste is a picture itself: its first bytes, or a `data:` address."""
    return _DATA.match(pasted[:64]) is not None


def image_path(pasted: str) -> Path | None:
    """The picture's file, where the paste is nothing but the path that a terminal gives for a dropped file.

    Terminals quote it for the shell, escape its blanks, or give a file: address. Looks at the disk: blocks.
    """
    line = pasted.strip()
    if not line or "\n" in line or len(line) > _MAX_PATH:
        return None
    if line.startswith("file://"):
        path = Path(unquote(urlsplit(line).path))
    elif line[0] in "/~'\"":
        try:
            words = shlex.split(line)
        except ValueError:
            return None
        # Some terminals leave blanks as they are.
        path = Path(words[0] if len(words) == 1 else line)
    else:
        return None
    if path.suffix.lower() not in _SUFFIXES:
        return None
    try:
        path = path.expanduser()
        return path if path.is_absolute() and path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None
