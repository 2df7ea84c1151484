"""Arguments that arrive as text, brought to the types that a tool's schema wants."""

import json
from typing import Any

from glmcode_engine.messages import ToolSpec


def typed(text: str, spec: ToolSpec | None, key: str) -> Any:
    """The value of one argument: strings stay as they are, of the rest the JSON is read where it is JSON."""
    wanted = properties(spec).get(key, {})
    if not isinstance(wanted, dict) or wanted.get("type", "string") == "string":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def properties(spec: ToolSpec | None) -> dict[str, Any]:
    """The arguments that a tool takes, by name; none for an unknown tool."""
    found = spec.parameters.get("properties") if spec is not None else None
    return found if isinstance(found, dict) else {}


def fits(arguments: dict[str, Any], spec: ToolSpec) -> bool:
    """Whether an object has every argument that a tool requires and none that it does not know."""
    required = spec.parameters.get("required", [])
    return set(required) <= arguments.keys() <= properties(spec).keys()


def duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A hook for JSON objects that refuses a key with two values. Raises ValueError."""
    result = dict(pairs)
    if len(result) < len(pairs) and any(result[key] != value for key, value in pairs):
        raise ValueError("a key comes twice")
    return result
