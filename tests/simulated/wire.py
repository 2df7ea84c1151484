"""How each server writes its chunks, its errors and its model list; shapes as seen from the real ones."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tests.simulated.script import Entry, Fault

Flavor = Literal["zai", "sglang", "vllm"]
Json = dict[str, Any]

WINDOW = 202752
"""Tokens of prompt and answer together, as SGLang and vLLM tell it."""
_PIECE = 5
_OBSERVATION, _USER = 151338, 151336


@dataclass(frozen=True, slots=True)
class Counted:
    """Token counts of one answer."""

    prompt: int
    cached: int
    completion: int
    reasoning: int


def base_path(flavor: Flavor) -> str:
    """Where the server's API starts."""
    return "/api/paas/v4" if flavor == "zai" else "/v1"


def chunks(flavor: Flavor, entry: Entry, request: Json, number: int, counted: Counted) -> Iterator[Json]:
    """The events of one complete answer, in order."""
    if not _thinks(request):
        entry = entry.model_copy(update={"reasoning": None})
    match flavor:
        case "sglang":
            bodies = _sglang(entry, number, counted)
        case "vllm":
            bodies = _vllm(entry, number, counted)
        case "zai":
            bodies = _zai(entry, number, counted, streams_arguments=bool(request.get("tool_stream")))
    wants_usage = flavor == "zai" or bool((request.get("stream_options") or {}).get("include_usage"))
    for body in bodies:
        if body.get("choices") or wants_usage:
            yield {"id": f"sim-{number}", "object": "chat.completion.chunk", "created": 1, "model": "sim"} | body


def _sglang(entry: Entry, number: int, counted: Counted) -> Iterator[Json]:
    def choice(reason: str | None = None, stop: int | None = None, **delta: Any) -> Json:
        nulls = {"role": None, "content": None, "reasoning_content": None, "tool_calls": None}
        ending = {"logprobs": None, "finish_reason": reason, "matched_stop": stop}
        return {"choices": [{"index": 0, "delta": nulls | delta} | ending], "usage": None}

    yield choice(role="assistant", content="")
    yield from (choice(reasoning_content=piece) for piece in pieces(entry.reasoning))
    yield from (choice(content=piece) for piece in pieces(entry.content))
    for index, call in enumerate(entry.tool_calls):
        yield choice(tool_calls=[_call(index, f"call_{number:08x}{index:04x}", call.name, "")])
        yield from (choice(tool_calls=[_call(index, None, None, piece)]) for piece in pieces(call.arguments))
    yield choice(_reason(entry), _OBSERVATION if entry.tool_calls else _USER)
    usage = _usage(counted) | {"reasoning_tokens": counted.reasoning, "completion_tokens_details": None}
    yield {"choices": [], "usage": usage}


def _vllm(entry: Entry, number: int, counted: Counted) -> Iterator[Json]:
    def choice(delta: Json, **ending: Any) -> Json:
        return {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None} | ending]}

    yield choice({"role": "assistant", "content": ""})
    yield from (choice({"reasoning": piece}) for piece in pieces(entry.reasoning))
    yield from (choice({"content": piece}) for piece in pieces(entry.content))
    for index, call in enumerate(entry.tool_calls):
        head = {"id": f"chatcmpl-tool-{number:08x}{index:04x}", "type": "function", "index": index}
        yield choice({"tool_calls": [head | {"function": {"name": call.name}}]})
        for piece in pieces(call.arguments):
            yield choice({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    stop = _OBSERVATION if entry.tool_calls else _USER
    yield choice({"content": ""}, finish_reason=_reason(entry), stop_reason=stop, token_ids=None)
    yield {"choices": [], "usage": _usage(counted)}


def _zai(entry: Entry, number: int, counted: Counted, *, streams_arguments: bool) -> Iterator[Json]:
    def choice(delta: Json, **ending: Any) -> Json:
        return {"choices": [{"index": 0, "delta": {"role": "assistant"} | delta} | ending]}

    yield from (choice({"reasoning_content": piece}) for piece in pieces(entry.reasoning))
    yield from (choice({"content": piece}) for piece in pieces(entry.content))
    for index, call in enumerate(entry.tool_calls):
        call_id = f"call_-{8000 + number}{index:03d}"
        first, *rest = (pieces(call.arguments) if streams_arguments else None) or [call.arguments]
        yield choice({"tool_calls": [_call(index, call_id, call.name, first)]})
        yield from (choice({"tool_calls": [_call(index, call_id, None, piece)]}) for piece in rest)
    details = {"completion_tokens_details": {"reasoning_tokens": counted.reasoning}}
    yield choice({"content": ""}, finish_reason=_reason(entry)) | {"usage": _usage(counted) | details}


def _call(index: int, call_id: str | None, name: str | None, arguments: str) -> Json:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "index": index, "type": "function", "function": function}


def _usage(counted: Counted) -> Json:
    return {
        "prompt_tokens": counted.prompt,
        "completion_tokens": counted.completion,
        "total_tokens": counted.prompt + counted.completion,
        "prompt_tokens_details": {"cached_tokens": counted.cached},
    }


def error_body(flavor: Flavor, fault: Fault) -> Json:
    """An error in the server's format."""
    match flavor:
        case "zai":
            return {"error": {"code": fault.code or str(fault.status), "message": fault.message}}
        case "sglang":
            kind = {400: "BadRequest", 401: "Unauthorized"}.get(fault.status, "InternalServerError")
            flat = {"object": "error", "message": fault.message, "type": kind, "param": None, "code": fault.status}
            return {"error": flat} if fault.in_stream else flat
        case "vllm":
            kind = {400: "BadRequestError", 404: "NotFoundError"}.get(fault.status, "InternalServerError")
            return {"error": {"message": fault.message, "type": kind, "param": None, "code": fault.status}}


def refused_key(flavor: Flavor) -> tuple[int, Json]:
    """Status and body for a missing or wrong key."""
    match flavor:
        case "zai":
            return 401, {"error": {"code": "1000", "message": "Authentication Failed"}}
        case "sglang":
            return 401, {"error": "Unauthorized"}
        case "vllm":
            return 401, {"error": "Unauthorized"}


def unknown_model(flavor: Flavor, name: object, served: str) -> tuple[int, Json] | None:
    """The refusal of a model that is not served; None where the server answers anyway."""
    if name == served:
        return None
    match flavor:
        case "zai":
            fault = Fault(status=400, code="1211", message="Unknown Model, please check the model code.")
        case "vllm":
            fault = Fault(status=404, message=f"The model `{name}` does not exist.")
        case "sglang":
            return None
    return fault.status, error_body(flavor, fault)


def model_list(flavor: Flavor, served: str) -> Json:
    """The answer to GET /models."""
    owner = "z-ai" if flavor == "zai" else flavor
    entry: Json = {"id": served, "object": "model", "created": 1, "owned_by": owner}
    if flavor != "zai":
        entry |= {"root": served, "max_model_len": WINDOW}
    return {"object": "list", "data": [entry]}


def tokens_path(flavor: Flavor) -> str:
    """Where the server counts the tokens of a prompt without answering it."""
    return f"{base_path(flavor)}/tokenizer" if flavor == "zai" else "/tokenize"


def tokenized(flavor: Flavor, request: Json) -> Json:
    """The answer there: as many tokens as a later answer's usage reports."""
    count = len(prompt_text(request)) // 4
    if flavor == "zai":
        return {"id": "sim", "model": request.get("model"), "usage": {"prompt_tokens": count, "total_tokens": count}}
    return {"tokens": [0] * count, "count": count, "max_model_len": WINDOW}


def prompt_text(request: Json) -> bytes:
    """What of a request is counted, at about 4 bytes a token."""
    return json.dumps([request.get("tools"), request.get("messages")], ensure_ascii=False).encode()


def pieces(text: str | None) -> list[str]:
    """Text in the small pieces that tokens come in."""
    return [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)] if text else []


def event(data: Json | str) -> bytes:
    """One server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + text.encode() + b"\n\n"


def _reason(entry: Entry) -> str:
    return entry.finish_reason or ("tool_calls" if entry.tool_calls else "stop")


def _thinks(request: Json) -> bool:
    thinking, template = request.get("thinking"), request.get("chat_template_kwargs")
    off = isinstance(thinking, dict) and thinking.get("type") == "disabled"
    return not (off or (isinstance(template, dict) and template.get("enable_thinking") is False))
