"""Reads scripts: lists of answers that are played instead of a model's."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from glmcode_engine.messages import Value
from glmcode_engine.untrusted import one_line

MAX_BYTES = 64 * 1024**2


class ScriptError(ValueError):
    """A script cannot be played; the text names the file, the entry (from 1) and what is wrong."""


class ScriptedCall(Value):
    """One tool call of a script."""

    name: str = Field(min_length=1)
    arguments: str = "{}"
    """JSON text; a script may write an object instead. A string is passed on as it is, malformed or not."""

    @field_validator("arguments", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


class Answer(Value):
    """One answer of a script."""

    reasoning: str | None = None
    content: str | None = None
    tool_calls: tuple[ScriptedCall, ...] = ()


def load_script(path: Path) -> tuple[Answer, ...]:
    """The answers of a JSON (`.json`) or YAML file. Raises ScriptError, or OSError if it cannot be read."""
    entries = load_entries(path)
    return tuple(_answer(path, number, entry) for number, entry in enumerate(entries, start=1))


def load_entries(path: Path) -> list[Any]:
    """The entries of a script as plain values, not yet validated. Same errors as `load_script`."""
    if path.stat().st_size > MAX_BYTES:
        raise ScriptError(f"{path}: larger than {MAX_BYTES // 1024**2} MiB")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ScriptError(f"{path}: not UTF-8 text (byte {error.start})") from None
    entries = _parsed_json(path, text) if path.suffix.lower() == ".json" else _parsed_yaml(path, text)
    if not isinstance(entries, list):
        raise ScriptError(f"{path}: a script is a list of answers, this is {_kind(entries)}")
    if not entries:
        raise ScriptError(f"{path}: the script holds no answer")
    return entries


def describe(error: ValidationError) -> str:
    """The first thing that is wrong with a value, in one line: `tool_calls.0.name: Field required`."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return one_line(f"{where}: {first['msg']}" if where else first["msg"])


def _answer(path: Path, number: int, entry: object) -> Answer:
    if not isinstance(entry, dict):
        raise ScriptError(f"{path}: entry {number}: an answer is a mapping, this is {_kind(entry)}")
    try:
        answer = Answer.model_validate(entry)
    except ValidationError as error:
        raise ScriptError(f"{path}: entry {number}: {describe(error)}") from None
    if answer == Answer():
        raise ScriptError(f"{path}: entry {number}: needs at least one of reasoning, content, tool_calls")
    return answer


def _parsed_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScriptError(f"{path}: not valid JSON: {one_line(str(error))}") from None


def _parsed_yaml(path: Path, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ScriptError(f"{path}: not valid YAML: {one_line(str(error))}") from None


def _kind(value: object) -> str:
    match value:
        case None:
            return "empty"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return "text"
        case _:
            return f"a {type(value).__name__}"
