"""The compact JSON schema of a tool's arguments, and arguments brought to the types it wants."""

import json
from typing import Any

from glmcode_tools.base import Arguments

_DROPPED = frozenset(
    {"title", "description", "minLength", "maxLength", "maxItems", "additionalProperties", "exclusiveMinimum"}
)


def compact_schema(arguments: type[Arguments]) -> dict[str, Any]:
    """The schema that the model is sent: no titles, references inlined, optional written as plain."""
    full = arguments.model_json_schema()
    return _compact(full, full.get("$defs", {}))


def _compact(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if reference := node.get("$ref"):
        return _compact(definitions[reference.rsplit("/", 1)[-1]], definitions)
    if "anyOf" in node:
        choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
        if len(choices) == 1:
            return _compact(choices[0], definitions)
    out: dict[str, Any] = {}
    for key, value in node.items():
        match key:
            case "properties":
                out[key] = {name: _compact(part, definitions) for name, part in value.items()}
            case "items":
                out[key] = _compact(value, definitions)
            case "$defs":
                continue
            case "default" if value is None:
                continue
            case _ if key not in _DROPPED:
                out[key] = value
    return out


def coerce(arguments: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """`arguments` with what servers garble put right: numbers and lists sent as strings, the reverse, nulls.

    Nothing is guessed: a value is changed only where it is the same value in another JSON type.
    """
    required = schema.get("required", [])
    properties: dict[str, Any] = schema.get("properties", {})
    result: dict[str, Any] = {}
    for name, value in arguments.items():
        if value is None and name not in required:
            continue
        result[name] = _coerce_value(value, properties.get(name, {}).get("type"))
    return result


def _coerce_value(value: Any, wanted: str | None) -> Any:
    match wanted, value:
        case (("integer" | "number" | "boolean" | "array" | "object"), str()):
            try:
                decoded = json.loads(value.strip().lower() if wanted == "boolean" else value)
            except (ValueError, RecursionError):
                return value
            return decoded if not isinstance(decoded, str) else value
        case "string", bool() | int():
            return json.dumps(value)
        case _:
            return value
