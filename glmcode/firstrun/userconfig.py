"""Writing settings into the user's own configuration, with all else in it left as it is."""

import json
import os
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from glmcode.config import ConfigError

_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def write_settings(path: Path, settings: Mapping[str, str | None], *, without: Collection[str] = ()) -> None:
    """Set these top-level settings (None: take it out) and take out those of `without`.

    Comments and everything else stay. Raises OSError, and ConfigError where the file is not valid TOML or could not be
    changed without touching more.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    names = {*settings, *without}
    start = _TABLE.search(text)
    at = start.start() if start else len(text)
    head = [line for line in text[:at].splitlines() if _name(line) not in names]
    given = {name: value for name, value in settings.items() if value is not None}
    added = [f"{name} = {_quoted(value)}" for name, value in given.items()]
    new = "\n".join([*head, *added]) + "\n" + ("\n" if start else "") + text[at:]
    try:
        before, after = tomllib.loads(text), tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} cannot be changed as TOML, so nothing was written: {error}") from None
    kept = {name: value for name, value in before.items() if name.replace("-", "_") not in names}
    if after != {**kept, **given}:
        raise ConfigError(f"{path} sets {', '.join(sorted(names))} over several lines, so nothing was written")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(new, encoding="utf-8")
    temporary.replace(path)


def _quoted(value: str) -> str:
    """A TOML string: JSON's are, but for characters beyond the first 65,536 and DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _name(line: str) -> str:
    """The setting that a line of TOML gives; empty for every other line."""
    name, equals, _ = line.partition("=")
    return name.strip().strip("\"'").replace("-", "_") if equals else ""
