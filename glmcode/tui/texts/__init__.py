"""What the interface says, in English or Chinese: `text("prompt.placeholder")`."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol, get_args, runtime_checkable

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_language: Language = "en"


@runtime_checkable
class Spoken(Protocol):
    """A widget that holds texts, rather than asking for them whenever it is drawn."""

    def say_again(self) -> None:
        """Say everything in the language that holds now."""


def speak(language: Language) -> None:
    """Choose the language of this process; what is on the screen is `Spoken` and says it again."""
    global _language
    _language = language


def language_of(environ: Mapping[str, str]) -> Language:
    """The language that the locale asks for (POSIX: LC_ALL, then LC_MESSAGES, then LANG)."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(name))), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def text(key: str, /, **fields: object) -> str:
    """The text under `table.name`, with `{field}`s filled in. Raises KeyError for a key that is in no table."""
    found = _table(_language)[key]
    return found.format(**fields) if fields else found


@lru_cache(maxsize=len(LANGUAGES))
def _table(language: Language) -> dict[str, str]:
    tables = tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{name}.{key}": value for name, table in tables.items() for key, value in table.items()}
