"""What happened, for whoever watches: the records of a turn, the same for screens, pipes and logs.

Every event is frozen, has a literal `kind` and the schema version `v`, and survives JSON. The names and
their order are part of the contract with users' scripts.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message, ToolCall, Usage

EndReason = Literal["done", "limit", "cancelled", "error"]
Verdict = Literal["verified", "unverified", "not_reproduced", "failed", "none"]


class Record(BaseModel):
    """Base of everything that is written as a line of JSON."""

    # Built at first use: a run needs a few of them before its first request, not all.
    model_config = ConfigDict(frozen=True, defer_build=True)

    v: Literal[1] = 1

    def as_json(self, indent: int | None = None) -> str:
        """The record in ASCII: nothing in it acts on a terminal, and file names that are no UTF-8 survive."""
        separators = (",", ":") if indent is None else None
        return json.dumps(self.model_dump(mode="json"), indent=indent, separators=separators)


class SessionStarted(Record):
    kind: Literal["session_started"] = "session_started"
    session: str
    repo: str
    engine: EngineInfo
    sandbox: str
    """One line: what commands run in."""
    workspace: Literal["direct", "isolated"]
    approval: str
    thinking: bool
    context_tokens: int = 0
    """Estimated tokens of the repository pack."""
    base_commit: str | None = None
    resumed: bool = False


class Prompted(Record):
    """What the user wrote of the user message before it. In session files only, not among a turn's events."""

    kind: Literal["prompted"] = "prompted"
    text: str


class StepStarted(Record):
    kind: Literal["step_started"] = "step_started"
    step: int


class ReasoningDelta(Record):
    kind: Literal["reasoning_delta"] = "reasoning_delta"
    step: int
    text: str


class AssistantDelta(Record):
    kind: Literal["assistant_delta"] = "assistant_delta"
    step: int
    text: str


class AssistantMessage(Record):
    kind: Literal["assistant_message"] = "assistant_message"
    step: int
    content: str
    reasoning_content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str
    """The server's own word, or `cancelled` or `error` for an answer that was cut short."""


class ToolStarted(Record):
    kind: Literal["tool_started"] = "tool_started"
    step: int
    call_id: str
    name: str
    title: str
    """One line for people: `edit src/a.py`."""
    arguments: str
    """JSON text as the model wrote it."""


class ToolOutputDelta(Record):
    kind: Literal["tool_output"] = "tool_output"
    call_id: str
    text: str


class ToolFinished(Record):
    kind: Literal["tool_finished"] = "tool_finished"
    step: int
    call_id: str
    name: str
    is_error: bool
    summary: str
    text: str
    """What the model was shown."""
    details: dict[str, Any] | None = None
    duration_s: float


class Steered(Record):
    kind: Literal["steered"] = "steered"
    step: int
    text: str
    """What the user said while the turn ran; the model reads it with the next request."""


class AsideAnswered(Record):
    """A question of the user's outside the conversation, and what the model said."""

    kind: Literal["aside"] = "aside"
    question: str
    answer: str
    usage: Usage


class UsageCounted(Record):
    kind: Literal["usage"] = "usage"
    step: int
    usage: Usage
    """Of this request."""
    total: Usage
    """Of the turn so far."""
    cost_usd: float | None = None
    """Of the turn so far; None where the price is not known."""


class ApprovalRequested(Record):
    kind: Literal["approval_requested"] = "approval_requested"
    call_id: str
    question: str
    allowed: bool
    reason: str = ""


class GuardRepaired(Record):
    kind: Literal["guard"] = "guard"
    repair: str
    detail: str
    restarts: bool = False
    """What came of the answer so far is void; it begins anew."""
    void: Message | None = None
    """That void part, which the model is not sent again."""


class CacheBroken(Record):
    kind: Literal["cache_broken"] = "cache_broken"
    segment: str
    cause: str


class Compacted(Record):
    kind: Literal["compacted"] = "compacted"
    cause: str
    how: Literal["trimmed", "summarised", "dropped", "repacked"]
    """trimmed: without older tool results, reasoning and files of the pack; summarised, dropped: without earlier steps,
    too. repacked: nothing was shortened, but the conversation begins with another pack."""
    tokens_before: int
    """Estimated, of the whole prompt."""
    tokens_after: int
    dropped_messages: int = 0
    """How many messages the model is no longer sent at all."""
    summary: str = ""
    """What stands in for them."""


class Retry(Record):
    kind: Literal["retry"] = "retry"
    attempt: int
    delay_s: float
    reason: str


class Failure(Record):
    kind: Literal["error"] = "error"
    error: str
    """The kind of failure: an engine's ErrorKind, `sandbox`, `permission`, ..."""
    message: str


class TurnFinished(Record):
    kind: Literal["turn_finished"] = "turn_finished"
    reason: EndReason
    detail: str = ""
    """Which limit (steps, tokens, cost, time) or which error."""
    answer: str = ""
    """The last text the model gave."""
    steps: int
    requests: int
    usage: Usage
    cost_usd: float | None = None
    duration_s: float


class VerdictReached(Record):
    """What the harness itself found out about a change, by running the tests without and with it."""

    kind: Literal["verdict"] = "verdict"
    verdict: Verdict
    reason: str = ""
    """One sentence for people."""
    fixed: tuple[str, ...] = ()
    """Test ids that fail without the change and pass with it."""
    broken: tuple[str, ...] = ()
    """Test ids that passed before and fail now."""
    passed: int | None = None
    """How many tests pass with the change; None where they were not run."""


Event = Annotated[
    SessionStarted
    | StepStarted
    | ReasoningDelta
    | AssistantDelta
    | AssistantMessage
    | ToolStarted
    | ToolOutputDelta
    | ToolFinished
    | Steered
    | AsideAnswered
    | UsageCounted
    | ApprovalRequested
    | GuardRepaired
    | CacheBroken
    | Compacted
    | Retry
    | Failure
    | TurnFinished
    | VerdictReached,
    Field(discriminator="kind"),
]

PASSING = frozenset({"reasoning_delta", "assistant_delta", "tool_output"})
"""Kinds that a later event repeats whole; files leave them out."""
