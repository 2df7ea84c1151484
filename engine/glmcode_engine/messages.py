"""The values of a conversation: messages, tool calls, tool specs, usage and requests.

They follow the OpenAI chat API, with `reasoning_content` kept beside `content`. All are frozen and
survive a round trip through JSON, so a session on disk is a list of them.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant", "tool"]
Count = Annotated[int, Field(ge=0)]


class Value(BaseModel):
    """A frozen value; unknown fields are refused so that a typo never passes silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolCall(Value):
    """One call of a tool as the model wrote it."""

    id: str
    """Given by the server, or made up where the server sent none. Unique within a session."""
    name: str
    arguments: str
    """JSON text, exactly as it arrived; it may be malformed."""


class Message(Value):
    """One message of the conversation."""

    role: Role
    content: str = ""
    reasoning_content: str | None = None
    """What the model thought before this answer; assistant messages only."""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    """The call that a tool message answers."""


class ToolSpec(Value):
    """A tool as the model is told about it."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON schema of the arguments object."""


class Usage(Value):
    """Token counts of one request, or of several added up."""

    prompt_tokens: Count = 0
    cached_tokens: Count = 0
    """Prompt tokens that the server took from its prefix cache."""
    completion_tokens: Count = 0
    reasoning_tokens: Count = 0
    """Part of `completion_tokens`."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


class Request(Value):
    """Everything an engine needs for one answer."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    thinking: bool = True
    """Always sent explicitly: servers disagree about the default."""
    max_tokens: int | None = None
    """Limit of the answer, thinking included; None leaves it to the server."""
