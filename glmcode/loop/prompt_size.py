"""How much of a model's window a request takes, in parts that are counted once each."""

import json
from collections.abc import Callable, Iterable, Sequence

from glmcode_engine.messages import Message, Request, ToolSpec

Count = Callable[[str], int]
"""The tokens of a text."""
_PER_MESSAGE = 4
"""Tags of the chat template around a message, a call or a result."""


def message_tokens(message: Message, count: Count, *, reasoning: bool = True) -> int:
    """The tokens of one message, with or without its reasoning."""
    tokens = _PER_MESSAGE + count(message.content)
    if reasoning and message.reasoning_content:
        tokens += count(message.reasoning_content)
    return tokens + sum(_PER_MESSAGE + count(call.name) + count(call.arguments) for call in message.tool_calls)


def messages_tokens(messages: Sequence[Message], count: Count) -> int:
    """The tokens of a conversation. The chat template leaves out all reasoning from before the last user message."""
    last_user = max((at for at, message in enumerate(messages) if message.role == "user"), default=-1)
    return sum(message_tokens(message, count, reasoning=at > last_user) for at, message in enumerate(messages))


def tools_tokens(tools: Iterable[ToolSpec], count: Count) -> int:
    """The tokens of the tools, which come before the conversation."""
    return sum(count(json.dumps(tool.model_dump(), ensure_ascii=False)) for tool in tools)


def request_tokens(request: Request, count: Count) -> int:
    """The tokens of all that a request holds."""
    return tools_tokens(request.tools, count) + messages_tokens(request.messages, count)


def rough_tokens(text: str) -> int:
    """The tokens of a text at a glance: true counts of source code are some 20% below, of anything at most twice."""
    return len(text) // 3 if text.isascii() else len(text)
