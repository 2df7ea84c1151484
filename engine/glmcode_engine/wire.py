"""Turns a request into the JSON body of the chat-completions wire.

The wire form of a message depends on that message alone, so what was sent once is sent byte for byte again and
the server's prefix cache holds.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from glmcode_engine.control_tokens import parted
from glmcode_engine.dialects import DIALECTS, Dialect
from glmcode_engine.endpoint import Endpoint
from glmcode_engine.messages import Message, Request, ToolCall, ToolSpec

RESERVED_KEYS = ("messages", "stream")
"""Body fields that `--extra-body` may not touch."""

_TEXTS = ("content", "reasoning_content", "reasoning")
_GLM = re.compile(r"glm", re.IGNORECASE)
# docs.z.ai, migrate-to-glm-4.6; sent because SGLang takes only the temperature from the checkpoint.
_GLM_SAMPLING = {"temperature": 1.0, "top_p": 0.95}
# The model card's advice for code, for servers that take it.
_GLM_TOP_K = {"top_k": 40}


def request_body(request: Request, endpoint: Endpoint, extra_body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON body for one streamed answer; `messages` comes last so that a longer request extends a shorter one.

    Objects of `extra_body` are merged one level deep, other values replace ours, and None takes a field out.
    """
    dialect = DIALECTS[endpoint.dialect]
    body: dict[str, Any] = {
        "model": endpoint.model,
        "stream": True,
        "stream_options": {"include_usage": True},
        **(_sampling(dialect) if _GLM.search(endpoint.model) else {}),
        # Otherwise arguments arrive whole, and a long file keeps the stream silent until it is written.
        **({"tool_stream": True} if dialect.tool_stream else {}),
        **(dialect.thinking_on if request.thinking else dialect.thinking_off),
    }
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.tools:
        body["tools"] = [tool_body(tool) for tool in request.tools]
    body = _merged(body, extra_body or {})
    body["messages"] = [_plain(message_body(message, dialect.reasoning_keys)) for message in request.messages]
    return body


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """The message as text alone: nothing in it reads as a control token of the model's."""
    for call in message.get("tool_calls", ()):
        call["function"]["arguments"] = _plain_arguments(call["function"]["arguments"])
    return {key: parted(value) if key in _TEXTS else value for key, value in message.items()}


@lru_cache(maxsize=4096)
def _plain_arguments(arguments: str) -> str:
    """The same for a JSON object, whose escapes the server's template resolves before it writes the values."""
    if "\\u" in arguments:
        resolved = json.dumps(json.loads(arguments), ensure_ascii=False)
        if parted(resolved) != resolved:
            return parted(resolved)
    return parted(arguments)


def _sampling(dialect: Dialect) -> dict[str, Any]:
    return {**_GLM_SAMPLING, **(_GLM_TOP_K if dialect.top_k else {})}


def tool_body(tool: ToolSpec) -> dict[str, Any]:
    """A tool as the OpenAI chat API wants it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def message_body(message: Message, reasoning_keys: tuple[str, ...] = ("reasoning_content",)) -> dict[str, Any]:
    """A message as the OpenAI chat API wants it, its reasoning under each of `reasoning_keys`."""
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.reasoning_content is not None:
        body |= dict.fromkeys(reasoning_keys, message.reasoning_content)
    if message.tool_calls:
        body["tool_calls"] = [_call_body(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    return body


def _call_body(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": _object_text(call.arguments)},
    }


@lru_cache(maxsize=4096)
def _object_text(arguments: str) -> str:
    """The arguments unchanged where they are a JSON object, else the raw text wrapped into one.

    SGLang refuses a whole request for one malformed call in its history, which would end the session for good.
    """
    if not arguments.strip():
        return "{}"
    try:
        value = json.loads(arguments, parse_constant=_no_constant)
        if isinstance(value, dict):
            if "\\u" in arguments:
                json.dumps(value, ensure_ascii=False).encode()
            return arguments
    except (ValueError, RecursionError):
        pass
    return json.dumps({"malformed_arguments": arguments}, ensure_ascii=False)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _merged(body: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in extra.items():
        if value is None:
            body.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(body.get(key), Mapping):
            body[key] = {**body[key], **value}
        else:
            body[key] = value
    return body
