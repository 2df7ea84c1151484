"""What the conformance test has seen of an endpoint, and the form of its verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from glmcode_engine.conformance.exchanges import ExchangeName
from glmcode_engine.conformance.observation import Observed
from glmcode_engine.dialects import DialectName
from glmcode_engine.messages import Value
from glmcode_engine.server_tokens import WindowSource
from glmcode_engine.untrusted import one_line

CheckStatus = Literal["ok", "warn", "fail", "skipped"]
"""warn: the agent works around it, at a price. fail: what an agent needs is not there."""


@dataclass(frozen=True)
class Evidence:
    """All that was seen. A judge reads this and nothing else."""

    dialect: DialectName
    model: str
    seen: Mapping[ExchangeName, Observed] = field(default_factory=dict)
    """The exchanges that took place."""
    window: tuple[int, WindowSource] | None = None
    counted: int | None = None
    """The prompt tokens of `hello` by the server's own counter."""
    missing: str = "it was not asked"
    """Why exchanges are missing."""


class Verdict(Value):
    """How one check came out."""

    status: CheckStatus
    detail: str
    """One line; may hold words of the server, made harmless."""
    remedy: str | None = None


class CheckResult(Verdict):
    """A verdict with its check's name, and how long its exchanges took in seconds (shared ones count for each)."""

    name: str
    seconds: float


def ok(detail: str) -> Verdict:
    """All is well."""
    return Verdict(status="ok", detail=one_line(detail))


def warn(detail: str, remedy: str | None = None) -> Verdict:
    """The agent works around it, at a price."""
    return Verdict(status="warn", detail=one_line(detail), remedy=remedy)


def fail(detail: str, remedy: str | None = None) -> Verdict:
    """What an agent needs is not there."""
    return Verdict(status="fail", detail=one_line(detail), remedy=remedy)


def skipped(detail: str) -> Verdict:
    """Nothing can be said."""
    return Verdict(status="skipped", detail=one_line(detail))


def quoted(text: str) -> str:
    """A short piece of what the model or the server said, in quotes."""
    return f'"{one_line(text, limit=60)}"'
