"""How full the model's window is, by segments of the prompt."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from glmcode.agent import Agent
from glmcode.loop.prompt_size import message_tokens, messages_tokens, tools_tokens
from glmcode_engine.messages import Message

PATIENCE_S = 0.5
"""A turn that was over at once may have ended before the server told how large the window is."""
Name = Literal["system", "tools", "pack", "history"]


@dataclass(frozen=True, slots=True)
class Meter:
    """Expected tokens of the next prompt, by segment in the order of the prompt."""

    segments: tuple[tuple[Name, int], ...]
    window: int | None
    """Prompt and answer together; None where nobody told."""

    @property
    def used(self) -> int:
        """All segments together."""
        return sum(tokens for _, tokens in self.segments)

    @property
    def free(self) -> int | None:
        """What is left of the window."""
        return None if self.window is None else max(0, self.window - self.used)


async def measure(agent: Agent, messages: list[Message], pack_chars: int) -> Meter:
    """The meter of a conversation whose first user message begins with a pack of so many characters."""
    await agent.window.asked_within(PATIENCE_S)
    return await asyncio.to_thread(_measure, agent, list(messages), pack_chars)


def _measure(agent: Agent, messages: list[Message], pack_chars: int) -> Meter:
    expect = agent.window.expect
    system = sum(message_tokens(message, expect) for message in messages[:1] if message.role == "system")
    first = next((message.content for message in messages if message.role == "user"), "")
    pack = expect(first[:pack_chars])
    history = max(0, messages_tokens(messages, expect) - system - pack)
    tools = tools_tokens(agent.specs, expect)
    return Meter((("system", system), ("tools", tools), ("pack", pack), ("history", history)), agent.window.tokens)
