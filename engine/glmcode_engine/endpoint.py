"""Where a remote model is asked: the address, the model's name, and the dialect the server speaks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import SplitResult, urlsplit, urlunsplit

from glmcode_engine.messages import Value

DialectName = Literal["zai", "sglang", "vllm", "openrouter", "novita", "plain"]
DialectChoice = DialectName | Literal["auto"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one kind of server wants beyond the OpenAI chat API."""

    thinking_on: Mapping[str, Any] = field(default_factory=dict)
    """Body fields that switch thinking on."""
    thinking_off: Mapping[str, Any] = field(default_factory=dict)
    always: Mapping[str, Any] = field(default_factory=dict)
    """Body fields of every request."""
    reasoning_keys: tuple[str, ...] = ("reasoning_content",)
    """What the reasoning of an assistant message is called when it is sent back."""


_TEMPLATE_ON = {"chat_template_kwargs": {"enable_thinking": True}}
_TEMPLATE_OFF = {"chat_template_kwargs": {"enable_thinking": False}}

# Sources: docs.z.ai thinking-mode and stream-tool; SGLang's protocol.py; vLLM's chat_utils.py, which reads only
# `reasoning` from incoming messages; openrouter.ai reasoning-tokens; novita.ai create-chat-completion.
DIALECTS: Mapping[DialectName, Dialect] = {
    "zai": Dialect(
        thinking_on={"thinking": {"type": "enabled"}},
        thinking_off={"thinking": {"type": "disabled"}},
        # Otherwise arguments arrive whole, and a long file keeps the stream silent until it is written.
        always={"tool_stream": True},
    ),
    # A host of one's own runs either SGLang or vLLM and cannot be told apart by its name, so both spellings go out;
    # each server ignores the other's.
    "sglang": Dialect(_TEMPLATE_ON, _TEMPLATE_OFF, reasoning_keys=("reasoning_content", "reasoning")),
    "vllm": Dialect(_TEMPLATE_ON, _TEMPLATE_OFF, reasoning_keys=("reasoning_content", "reasoning")),
    "openrouter": Dialect(
        thinking_on={"reasoning": {"enabled": True}},
        thinking_off={"reasoning": {"enabled": False}},
        reasoning_keys=("reasoning",),
    ),
    "novita": Dialect(thinking_on={"enable_thinking": True}, thinking_off={"enable_thinking": False}),
    "plain": Dialect(),
}

_DIALECT_OF_HOST: Mapping[str, DialectName] = {
    "z.ai": "zai",
    "bigmodel.cn": "zai",
    "openrouter.ai": "openrouter",
    "novita.ai": "novita",
}

_EXAMPLES = "pass for instance https://api.z.ai/api/paas/v4 or http://127.0.0.1:30000/v1"


class Endpoint(Value):
    """One OpenAI-compatible server and the model asked there."""

    base_url: str
    """As given, without a trailing slash; may hold user information, so show `safe_url(base_url)` only."""
    model: str
    dialect: DialectName


def resolve_endpoint(base_url: str, model: str, dialect: DialectChoice = "auto") -> Endpoint:
    """Check an address and choose its dialect; `auto` goes by the host, and unknown hosts are taken for SGLang.

    Raises ValueError, whose text says what to pass instead.
    """
    parts = _checked(base_url)
    if not model.strip():
        raise ValueError(
            "the model name is empty: pass --model with the name the server knows the model by, for instance glm-4.6"
        )
    if dialect != "auto" and dialect not in get_args(DialectName):
        raise ValueError(f"unknown dialect {dialect!r}: pass one of auto, {', '.join(get_args(DialectName))}")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    url = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
    chosen = _dialect_of(parts.hostname or "") if dialect == "auto" else dialect
    return Endpoint(base_url=url, model=model.strip(), dialect=chosen)


def safe_url(url: str) -> str:
    """The address without user information, query and fragment, fit to be shown; `(invalid address)` if it is none."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return "(invalid address)"
    if not host:
        return "(invalid address)"
    shown = f"[{host}]" if ":" in host else host
    plain = urlunsplit((parts.scheme, shown if port is None else f"{shown}:{port}", parts.path, "", ""))
    return "".join(c for c in plain if c.isprintable())


def _checked(base_url: str) -> SplitResult:
    text = base_url.strip()
    if "://" not in text:
        raise ValueError(f"the address needs a scheme: {_EXAMPLES}")
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"this is not a valid address ({error}): {_EXAMPLES}") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"the address must start with http:// or https://: {_EXAMPLES}")
    if not host or port == 0 or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError(f"the address names no host that can be asked: {_EXAMPLES}")
    return parts


def _dialect_of(host: str) -> DialectName:
    for known, dialect in _DIALECT_OF_HOST.items():
        if host == known or host.endswith(f".{known}"):
            return dialect
    return "sglang"
