"""One turn in numbers: its limits, what it has used so far, and why it ends."""

import re
import time
from dataclasses import dataclass, field

from glmcode.cost import Prices
from glmcode.events import EndReason, TurnFinished, UsageCounted
from glmcode_engine.messages import Message, Usage

_CONTROL_TOKEN = re.compile(r"<\|[a-z_]{2,20}\|>|\[gMASK\]|<sop>|</?think>|/nothink")
NO_ROOM = "pass a smaller --context, shorten the task, or use a model with a larger window"
"""What to do about a conversation that compacting does not make short enough."""


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """Where a turn stops. None: no limit."""

    steps: int = 200
    tokens: int | None = None
    """Prompt and completion tokens of all requests together."""
    cost_usd: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a turn is over. `message` explains an error to people."""

    reason: EndReason
    detail: str = ""
    message: str = ""


class LimitReached(Exception):
    """A limit was reached in the middle of a step."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.detail)
        self.ending = ending


@dataclass(slots=True)
class Tally:
    """What a turn has used."""

    limits: TurnLimits
    prices: Prices | None = None
    usage: Usage = field(default_factory=Usage)
    steps: int = 0
    requests: int = 0
    answer: str = ""
    """The last text the model gave."""
    _cut: bool = False
    _unreported: Usage | None = None
    _started: float = field(default_factory=time.monotonic)

    def count(self, usage: Usage) -> None:
        """Add what the server counted for one request."""
        self.usage += usage
        self._unreported = usage

    def said(self, text: str, *, cut: bool = False) -> None:
        """Take the text of an answer; one that was cut off goes on with the next."""
        self.answer = self.answer + text if self._cut else text or self.answer
        self._cut = cut

    def report(self) -> UsageCounted | None:
        """The usage event of the step, once."""
        usage, self._unreported = self._unreported, None
        if usage is None:
            return None
        return UsageCounted(step=self.steps, usage=usage, total=self.usage, cost_usd=self.cost)

    @property
    def cost(self) -> float | None:
        """USD so far; None where the price is not known."""
        return self.prices.cost(self.usage) if self.prices else None

    def limit_reached(self) -> Ending | None:
        """The limit that keeps the next request from going out."""
        return Ending("limit", "steps") if self.steps >= self.limits.steps else self.spent()

    def spent(self) -> Ending | None:
        """The limit of tokens or cost that is reached; holds inside a step, too."""
        limits, cost = self.limits, self.cost
        if limits.tokens is not None and self.usage.prompt_tokens + self.usage.completion_tokens >= limits.tokens:
            return Ending("limit", "tokens")
        if limits.cost_usd is not None and cost is not None and cost >= limits.cost_usd:
            return Ending("limit", "cost")
        return None

    def finished(self, ending: Ending) -> TurnFinished:
        """The last event of the turn."""
        return TurnFinished(
            reason=ending.reason,
            detail=ending.detail,
            answer=self.answer,
            steps=self.steps,
            requests=self.requests,
            usage=self.usage,
            cost_usd=self.cost,
            duration_s=round(time.monotonic() - self._started, 3),
        )


def is_blank(text: str) -> bool:
    """Whether a text says nothing: white space, characters without a shape, and control tokens of the model."""
    return not any(char.isprintable() and not char.isspace() for char in _CONTROL_TOKEN.sub("", text))


def ending_of(message: Message, stop: str) -> Ending:
    """What an answer without calls means. `stop` is the server's own word."""
    match stop:
        case "length":
            return Ending("error", "truncated", "the answer reached the server's output limit before it was complete")
        case "sensitive" | "content_filter":
            return Ending("error", "filtered", "the server's content filter stopped the answer; rephrase the task")
        case "model_context_window_exceeded":
            text = "the conversation does not fit the model's window, and nothing of it can be left out"
            return Ending("error", "overflow", f"{text}; {NO_ROOM}")
    if is_blank(message.content):
        return Ending("error", "unusable", "the model gave an empty answer; run again, or go on with --resume")
    return Ending("done")
