"""Puts structured tool calls right whose name or arguments arrive garbled, where only one way is right."""

import json
import re
from collections.abc import Iterator
from typing import Any

from glmcode_engine.base import Repaired
from glmcode_engine.control_tokens import joined
from glmcode_engine.messages import ToolCall
from glmcode_engine.repair.leaked_calls import Leaked, Tools, read_leaked_calls
from glmcode_engine.repair.typed_values import duplicates, fits, properties

_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)
_TRAILING_TAGS = re.compile(r"(?:\s*</(?:tool_call|arg_value|arg_key)>)+\s*\Z")
_ARG_TAG = re.compile(r"</?arg_(?:key|value)>")


def repair_call(call: ToolCall, tools: Tools) -> Iterator[ToolCall | Repaired]:
    """The call as it was meant, several where several were glued together, none where it names no tool.

    What is not clear stays as it is: the toolbox refuses it, and the model is shown what arrived.
    """
    if not call.name.strip() or call.name.startswith("<"):
        yield Repaired("empty_name", f"a call without a name was dropped: {call.arguments[:100]}")
        return
    if (arguments := joined(call.arguments)) != call.arguments:
        call = call.model_copy(update={"arguments": arguments})
    if call.name not in tools:
        named = _with_clean_name(call, tools)
        if named != call:
            yield Repaired("call_name", f"{call.name[:100]!r} is {named.name}")
        call = named
    calls = list(_with_clean_arguments(call, tools))
    if calls != [call]:
        glued = "glued_arguments" if len(calls) > 1 or "}" in call.arguments[:-1] else "arguments"
        yield Repaired(glued, f"{call.name}: {call.arguments[:200]}")
    yield from calls


def _with_clean_name(call: ToolCall, tools: Tools) -> ToolCall:
    name, tag, _ = call.name.partition("<")
    name = name.strip()
    half = len(name) // 2
    if name not in tools and name[:half] == name[half:]:
        name = name[:half]
    if "<arg_key>" in tag or "<arg_key>" in call.name:
        return _with_arguments_of_name(call, tools)
    return call.model_copy(update={"name": name}) if name in tools else call


def _with_arguments_of_name(call: ToolCall, tools: Tools) -> ToolCall:
    """The arguments stand in the name as tags; arguments beside them would contradict."""
    inside = _whole_call(call.name, tools)
    if inside is None:
        return call
    if call.arguments.strip() in ("", "{}", "null"):
        return call.model_copy(update={"name": inside.name, "arguments": inside.arguments})
    return call.model_copy(update={"name": inside.name, "arguments": f"{call.name} {call.arguments}"})


def _with_clean_arguments(call: ToolCall, tools: Tools) -> Iterator[ToolCall]:
    spec = tools.get(call.name)
    value = _loads(call.arguments)
    match value:
        case dict():
            yield call if spec is None else _with_clean_keys(call, value, properties(spec))
        case str() if isinstance(_loads(value), dict):
            yield call.model_copy(update={"arguments": value})
        case _ if call.arguments.strip() == "null":
            yield call.model_copy(update={"arguments": "{}"})
        case None if spec is not None:
            for text in _unwrapped(call, tools):
                yield call.model_copy(update={"arguments": text, "id": call.id})
        case _:
            yield call


def _with_clean_keys(call: ToolCall, value: dict[str, Any], known: dict[str, Any]) -> ToolCall:
    if value.keys() <= known.keys() or not any("<" in key for key in value):
        return call
    clean = {_ARG_TAG.sub("", key).strip(): each for key, each in value.items()}
    tags_in_values = any(isinstance(each, str) and _ARG_TAG.search(each) for each in value.values())
    if len(clean) < len(value) or not clean.keys() <= known.keys() or tags_in_values:
        return call
    return call.model_copy(update={"arguments": json.dumps(clean, ensure_ascii=False)})


def _unwrapped(call: ToolCall, tools: Tools) -> list[str]:
    """The JSON objects inside arguments that are no JSON, or the arguments as they are."""
    text = call.arguments
    if fenced := _FENCE.fullmatch(text):
        text = fenced[1]
    text = _TRAILING_TAGS.sub("", text) or text
    if isinstance(_loads(text), dict):
        return [text]
    if "<arg_key>" in call.arguments:
        inside = _whole_call(call.name + call.arguments, tools)
        return [inside.arguments] if inside is not None and inside.arguments is not None else [call.arguments]
    objects = _objects(text)
    return _parted(objects, call, tools) if len(objects) > 1 else [call.arguments]


def _parted(objects: list[dict[str, Any]], call: ToolCall, tools: Tools) -> list[str]:
    """Glued objects as the calls they are: one sent again, one after an empty start, or several of the tool's own."""
    spec = tools[call.name]
    different = [each for at, each in enumerate(objects) if each not in objects[:at]]
    if len(different) == 2 and different[0] == {} and not fits({}, spec):
        different = different[1:]
    contained = any(
        one is not other and one.items() <= other.items()
        for one, other in _pairs(different)
        if all(isinstance(each, str | int | float | bool | None) for each in (*one.values(), *other.values()))
    )
    if contained or not all(fits(each, spec) for each in different):
        return [call.arguments]
    return [json.dumps(each, ensure_ascii=False) for each in different]


def _pairs(objects: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    return ((one, other) for one in objects for other in objects)


def _objects(text: str) -> list[dict[str, Any]]:
    """The objects that a text consists of, nothing else between them; none where there is anything else."""
    objects: list[dict[str, Any]] = []
    decoder, at = json.JSONDecoder(object_pairs_hook=duplicates), 0
    try:
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            if not isinstance(value, dict):
                return []
            objects.append(value)
            at += len(text[at:]) - len(text[at:].lstrip())
    except (ValueError, RecursionError):
        return []
    return objects


def _whole_call(text: str, tools: Tools) -> Leaked | None:
    """The only call in a text of tags, if it is whole."""
    found = read_leaked_calls(f"<tool_call>{text}", tools, ended=True)
    match found:
        case [Leaked() as call] if call.arguments is not None:
            return call
        case _:
            return None


def _loads(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=duplicates)
    except (ValueError, RecursionError):
        return None
