"""What the simulated server answers: entries of a script, or a function that makes them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from glmcode_engine.script import ScriptedCall, ScriptError, describe, load_entries


class Fault(BaseModel):
    """An error that the server reports, in its own format."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int = 500
    """HTTP status; not used by `in_stream` errors."""
    code: str | None = None
    """Business code, as Z.ai gives them; others ignore it."""
    message: str = "simulated failure"
    retry_after: str | None = None
    location: str | None = None
    """Where a redirect (status 3xx) points."""
    in_stream: bool = False
    """Reported as an event after the entry's content, in a stream that began well."""


class Entry(BaseModel):
    """One answer, with what goes wrong on the way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reasoning: str | None = None
    content: str | None = None
    tool_calls: tuple[ScriptedCall, ...] = ()
    finish_reason: str | None = None
    """None: tool_calls or stop, as fits."""
    error: Fault | None = None
    stall_s: float = 0.0
    """Silence after the first event, in seconds."""
    stall_at: int | None = None
    """How many events come before the silence instead."""
    reset: bool = False
    """The connection is reset after what the entry streams, before anything if it streams nothing."""
    cut: bool = False
    """The stream ends without a finish reason after what the entry streams."""
    raw: tuple[str, ...] | None = None
    """Payloads of `data:` lines sent as they are instead of all that the server would write."""

    @property
    def streams_something(self) -> bool:
        """Whether a part of an answer goes out before a fault."""
        return bool(self.reasoning or self.content or self.tool_calls)


Responder = Callable[[dict[str, Any], int], "Entry | Mapping[str, Any]"]
"""Makes the answer to the request (its JSON) with the given number, counted from 0."""
Script = Sequence[Entry | Mapping[str, Any]] | Responder

_OVER = Entry(error=Fault(status=400, message="the simulated server's script is over"))


def entry_for(script: Script, request: dict[str, Any], number: int) -> Entry:
    """What to answer to one request."""
    if callable(script):
        return as_entry(script(request, number))
    return as_entry(script[number]) if number < len(script) else _OVER


def as_entry(value: Entry | Mapping[str, Any]) -> Entry:
    """An entry from a mapping; raises pydantic's ValidationError."""
    return value if isinstance(value, Entry) else Entry.model_validate(value)


def load_entries_file(path: Path) -> tuple[Entry, ...]:
    """The entries of a YAML or JSON script. Raises ScriptError or OSError."""
    entries = []
    for number, value in enumerate(load_entries(path), start=1):
        try:
            entries.append(Entry.model_validate(value))
        except ValidationError as error:
            raise ScriptError(f"{path}: entry {number}: {describe(error)}") from None
    return tuple(entries)
