"""The engine protocol: a model that streams, the parts it streams, and how it fails."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from glmcode_engine.messages import Request, Usage, Value

EngineKind = Literal["remote", "sglang", "scripted", "replay"]

ErrorKind = Literal["auth", "rate_limited", "unreachable", "bad_request", "overflow", "filtered", "unusable"]
"""Why an engine gave up.

auth: the key is missing or was refused. rate_limited: try again later. unreachable: nobody answers, or the
stream stalled or broke. bad_request: the server refused what was asked (model name, parameters).
overflow: the prompt is longer than the window. filtered: a content filter stopped it.
unusable: an answer came that cannot be used.
"""

RetryAdvice = Literal["patiently", "briefly", "never"]
"""Whether asking again helps. patiently: it passes with time. briefly: only a hiccup would pass. never: it stays so."""

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str
    kind: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. Pieces with the same `index` belong together."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    kind: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What the server counted; may come more than once, the last one holds."""

    usage: Usage
    kind: Literal["usage"] = "usage"


@dataclass(frozen=True, slots=True)
class RetryNotice:
    """The engine is about to try again; what the failed attempt streamed was declared void before."""

    attempt: int
    delay_s: float
    reason: str
    kind: Literal["retry"] = "retry"


@dataclass(frozen=True, slots=True)
class Stop:
    """The last part of every complete stream. `reason` is the server's own word ("stop", "tool_calls", "length"...)."""

    reason: str
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class Repaired:
    """Something was put right, or a stream was given up and is asked for again."""

    repair: str
    """One word for counting: `leaked_call`, `glued_arguments`, `degenerate`, `broken_stream`..."""
    detail: str
    """One line for people; may hold text of the model."""
    restarts: bool = False
    """What came of the answer so far is void; it begins anew."""
    kind: Literal["repaired"] = "repaired"


StreamPart = ReasoningDelta | TextDelta | ToolCallDelta | UsageReport | RetryNotice | Repaired | Stop


class EngineInfo(Value):
    """Who answers, for records and status lines. Never holds a key."""

    kind: EngineKind
    model: str
    base_url: str | None = None
    """Without user information or query, so it is safe to show."""


class EngineError(Exception):
    """The engine cannot give an answer. The text says what happened and what to do next; it holds no secret."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retry_after_s: float | None = None,
        retry: RetryAdvice | None = None,
        window: int | None = None,
        code: str | None = None,
    ) -> None:
        """`window`: the tokens that prompt and answer may have together, where the server told them.

        `code`: what the server's JSON calls the error, "" where it has no word for it; None: no JSON told it.
        """
        super().__init__(message)
        self.code = code
        self.kind: ErrorKind = kind
        self.retry_after_s = retry_after_s
        self.window = window
        self.retry: RetryAdvice = retry or ("patiently" if kind in ("rate_limited", "unreachable") else "never")


class Engine(Protocol):
    """A model that streams its answers."""

    @property
    def info(self) -> EngineInfo: ...

    def stream(self, request: Request) -> AsyncIterator[StreamPart]:
        """Stream one answer. A complete stream ends with `Stop`.

        Raises EngineError, and nothing else, for every failure of server, network or answer. Closing the
        iterator early ends the request.
        """
        ...

    async def aclose(self) -> None:
        """Release connections; may be called twice."""
        ...


@asynccontextmanager
async def closing(parts: AsyncIterator[Part]) -> AsyncIterator[AsyncIterator[Part]]:
    """Close a stream at the end of the block, also where the consumer leaves early; plain iterators pass unchanged."""
    try:
        yield parts
    finally:
        aclose = getattr(parts, "aclose", None)
        if aclose is not None:
            await aclose()
