"""The dialects of the OpenAI chat API: what each kind of server wants beyond it, and what it takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DialectName = Literal["zai", "sglang", "vllm", "openrouter", "novita", "plain"]
DialectChoice = DialectName | Literal["auto"]

TokenCounter = Literal["zai", "tokenize"]
"""A server's own token counter. zai: POST BASE/tokenizer. tokenize: POST /tokenize beside the base URL's /v1."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one kind of server wants beyond the OpenAI chat API, and what it takes."""

    thinking_on: Mapping[str, Any] = field(default_factory=dict)
    """Body fields that switch thinking on."""
    thinking_off: Mapping[str, Any] = field(default_factory=dict)
    reasoning_keys: tuple[str, ...] = ("reasoning_content",)
    """What the reasoning of an assistant message is called when it is sent back."""
    tool_stream: bool = False
    """Takes `tool_stream`, without which a call's arguments arrive whole."""
    top_k: bool = False
    """Takes the sampling parameter `top_k`."""
    max_stop: int | None = None
    """How many stop strings a request may have; None: no known limit."""
    tells_window: bool = False
    """Reports the window as `max_model_len` in its model list."""
    counter: TokenCounter | None = None


_TEMPLATE_ON = {"chat_template_kwargs": {"enable_thinking": True}}
_TEMPLATE_OFF = {"chat_template_kwargs": {"enable_thinking": False}}
# A host of one's own runs either SGLang or vLLM and cannot be told apart by its name, so both spellings of the
# reasoning go out; each server ignores the other's.
_OWN_SERVER = Dialect(
    thinking_on=_TEMPLATE_ON,
    thinking_off=_TEMPLATE_OFF,
    reasoning_keys=("reasoning_content", "reasoning"),
    top_k=True,
    tells_window=True,
    counter="tokenize",
)

# Sources: docs.z.ai thinking-mode, stream-tool, chat-completion and tokenizer; SGLang's protocol.py; vLLM's
# chat_utils.py, which reads only `reasoning` from incoming messages; openrouter.ai reasoning-tokens;
# novita.ai create-chat-completion.
DIALECTS: Mapping[DialectName, Dialect] = {
    "zai": Dialect(
        thinking_on={"thinking": {"type": "enabled"}},
        thinking_off={"thinking": {"type": "disabled"}},
        tool_stream=True,
        max_stop=1,
        counter="zai",
    ),
    "sglang": _OWN_SERVER,
    "vllm": _OWN_SERVER,
    "openrouter": Dialect(
        thinking_on={"reasoning": {"enabled": True}},
        thinking_off={"reasoning": {"enabled": False}},
        reasoning_keys=("reasoning",),
        top_k=True,
    ),
    "novita": Dialect(thinking_on={"enable_thinking": True}, thinking_off={"enable_thinking": False}, top_k=True),
    "plain": Dialect(),
}
