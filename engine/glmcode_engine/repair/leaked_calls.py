"""Reads tool calls that a server left in the text, in the forms GLM and its servers write them.

The forms: `<tool_call>NAME` with `<arg_key>`/`<arg_value>` pairs, a JSON object inside the tags or after the name,
`<function=NAME>` and `<invoke name="NAME">` with a tag for each parameter.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glmcode_engine.messages import ToolSpec
from glmcode_engine.repair.arg_pairs import read_arg_pairs
from glmcode_engine.repair.typed_values import duplicates, typed

Tools = Mapping[str, ToolSpec]

_OPENER = re.compile(r'<tool_call>\s*(?=<function=|<invoke name=)|<tool_call>|<function=|<invoke name="')
_END = re.compile(r"</tool_call>|(?=<tool_call>)|\Z")
_NAME = re.compile(r"\s*([A-Za-z_][\w.-]*)")
_BEFORE_JSON = re.compile(r"\s*(?:```(?:json)?\s*)?(?=[{\[])")
_AFTER_JSON = re.compile(r"\s*\)?\s*(?:```\s*)?(?:</arg_value>\s*)*(?:</tool_call>)?")
_ONLY_CLOSERS = re.compile(r"\s*(?:</arg_(?:key|value)>\s*)*</tool_call>")
_TAG_FOR_KEY = re.compile(r"\s*<tool_call>(?=\s*[\w-]+\s*</arg_key>)")
_ANY_ARG_TAG = re.compile(r"</?arg_(?:key|value)>")
_PARAMETER = re.compile(
    r'\s*<(?:parameter=(?P<a>[\w.-]+)|parameter name="(?P<b>[\w.-]+)"|(?P<c>[A-Za-z_][\w.-]*))>(?P<value>.*?)'
    r"</(?:parameter|(?P=c))>",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Plain:
    """Text that is no call."""

    text: str


@dataclass(frozen=True, slots=True)
class Leaked:
    """A call found in text. `arguments` is JSON text, or None where the call is not whole or not clear."""

    name: str
    arguments: str | None
    raw: str


def read_leaked_calls(text: str, tools: Tools, *, ended: bool) -> list[Plain | Leaked]:
    """Cut text into calls and the rest; joined together the pieces are the text again.

    `ended`: the model itself stopped there, so a call needs no closing tag when its last value has one.
    """
    found: list[Plain | Leaked] = []
    plain_from = at = 0
    while (match := _OPENER.search(text, at)) is not None:
        calls = _read_calls(text, match, tools, ended=ended)
        if not calls:
            at = match.end()
            continue
        if match.start() > plain_from:
            found.append(Plain(text[plain_from : match.start()]))
        found += calls
        plain_from = at = match.start() + sum(len(call.raw) for call in calls)
    if plain_from < len(text):
        found.append(Plain(text[plain_from:]))
    return found


def _read_calls(text: str, opener: re.Match[str], tools: Tools, *, ended: bool) -> list[Leaked]:
    if not opener[0].startswith("<tool_call>"):
        return _parameter_call(text, opener, tools)
    if text.startswith(("<function=", "<invoke name="), opener.end()):
        return _parameter_call(text, opener, tools)
    if _ANY_ARG_TAG.match(text, opener.end()):
        return [Leaked("", None, text[opener.start() : _block_end(text, opener.end())])]
    if (json_at := _BEFORE_JSON.match(text, opener.end())) is not None:
        return _json_calls(text, opener.start(), json_at.end(), tools)
    return _named_call(text, opener, tools, ended=ended)


def _named_call(text: str, opener: re.Match[str], tools: Tools, *, ended: bool) -> list[Leaked]:
    name = _NAME.match(text, opener.end())
    if name is None:
        return []
    arguments_at = re.compile(r"\s*\(?\s*(?=\{)").match(text, name.end())
    if arguments_at is not None:
        return _json_arguments(text, opener.start(), name[1], arguments_at.end())
    if closed := _ONLY_CLOSERS.match(text, name.end()):
        if name[1] not in tools:
            return []
        return [Leaked(name[1], "{}", text[opener.start() : closed.end()])]
    if name[1] in tools and not text[name.end() :].strip():
        return [Leaked(name[1], None, text[opener.start() :])]
    mistaken = _TAG_FOR_KEY.match(text, name.end())
    end = _block_end(text, mistaken.end() if mistaken else opener.end())
    if not _ANY_ARG_TAG.search(text, name.end(), end):
        return []
    pairs = read_arg_pairs(text, opener.end(), tools, ended=ended)
    if pairs is None:
        known = name[1] if name[1] in tools else next((tool for tool in tools if name[1].startswith(tool)), name[1])
        return [Leaked(known, None, text[opener.start() : end])]
    spec = tools.get(pairs.name)
    values = {key: typed(value, spec, key) for key, value in pairs.values.items()}
    return [Leaked(pairs.name, _dumped(values), text[opener.start() : pairs.end])]


def _json_calls(text: str, start: int, json_at: int, tools: Tools) -> list[Leaked]:
    """Calls written as `{"name": ..., "arguments": {...}}`, one or a list of them."""
    decoded = _decoded(text, json_at)
    if decoded is None:
        end = _block_end(text, json_at)
        named = re.compile(r'"(?:name|function|tool)"\s*:\s*"([\w.-]+)"').search(text, json_at, end)
        return [Leaked(named[1], None, text[start:end])] if named and named[1] in tools else []
    value, end = decoded
    raw = text[start : _end_of(_AFTER_JSON, text, end)]
    calls = [_json_call(each) for each in (value if isinstance(value, list) else [value])]
    if not calls or any(call is None for call in calls):
        return []
    raws = [raw, *[""] * (len(calls) - 1)]
    return [Leaked(*call, each) for call, each in zip(calls, raws, strict=True) if call is not None]


def _json_call(value: Any) -> tuple[str, str | None] | None:
    if not isinstance(value, dict):
        return None
    for wrapper in ("function", "tool", "tool_call"):
        if isinstance(value.get(wrapper), dict):
            return _json_call(value[wrapper])
    name = next((value[key] for key in ("name", "function", "tool") if isinstance(value.get(key), str)), None)
    if not name or not _NAME.fullmatch(name):
        return None
    given = [value[key] for key in ("arguments", "parameters", "args", "input") if key in value]
    arguments = given[0] if given else {}
    if isinstance(arguments, str):
        decoded = _decoded(arguments.strip(), 0)
        arguments = decoded[0] if decoded is not None and decoded[1] == len(arguments.strip()) else None
    return name, _dumped(arguments) if isinstance(arguments, dict) and len(given) < 2 else None


def _json_arguments(text: str, start: int, name: str, json_at: int) -> list[Leaked]:
    """A call written as `NAME{...}` or `NAME({...})`."""
    decoded = _decoded(text, json_at)
    if decoded is None or not isinstance(decoded[0], dict):
        return [Leaked(name, None, text[start : _block_end(text, json_at)])]
    end = _end_of(_AFTER_JSON, text, decoded[1])
    return [Leaked(name, _dumped(decoded[0]), text[start:end])]


def _parameter_call(text: str, opener: re.Match[str], tools: Tools) -> list[Leaked]:
    """A call written as `<function=NAME><parameter=KEY>VALUE</parameter></function>`, or with `invoke`."""
    head = re.compile(r'(?:<function=|<invoke name=")?([\w.-]+)"?\s*>').match(text, opener.end())
    if head is None or head[1] not in tools:
        return []
    at, values = head.end(), dict[str, Any]()
    repeated = False
    while (match := _PARAMETER.match(text, at)) is not None:
        key = match["a"] or match["b"] or match["c"]
        repeated |= key in values
        values[key] = typed(match["value"].strip("\n"), tools[head[1]], key)
        at = match.end()
    closed = re.compile(r"\s*</(?:function|invoke)>(?:\s*</tool_call>)?").match(text, at)
    if closed is None or repeated:
        return [Leaked(head[1], None, text[opener.start() : _block_end(text, at)])]
    return [Leaked(head[1], _dumped(values), text[opener.start() : closed.end()])]


def _block_end(text: str, at: int) -> int:
    match = _END.search(text, at)
    return match.end() if match else len(text)


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _decoded(text: str, at: int) -> tuple[Any, int] | None:
    """The JSON value that begins at `at` and where it ends; None where it is not whole or names a key twice."""
    try:
        return json.JSONDecoder(object_pairs_hook=duplicates).raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


def _dumped(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
