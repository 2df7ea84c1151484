"""The `result` record of a headless run."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from glmcode.events import EndReason, Record, Verdict
from glmcode.fix.verdict import Judgement, failing
from glmcode.offline import Connection
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Usage
from glmcode_tools.testing.report import TestReport


class Counts(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)

    passed: int
    failed: int
    skipped: int
    ids_failed: tuple[str, ...]


class Tests(BaseModel):
    """What the harness's own test runs gave."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    command: str | None = None
    before: Counts | None = None
    after: Counts | None = None
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()


class UsageTotals(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)

    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None


class LimitsRecord(BaseModel):
    """The limits of the run, and which one ended it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    max_steps: int
    max_tokens: int | None
    max_cost: float | None
    timeout: float | None
    reached: str | None = None


class Result(Record):
    kind: Literal["result"] = "result"
    session: str
    status: EndReason
    verdict: Verdict
    reason: str = ""
    """One sentence: why this verdict or status."""
    exit_code: int
    answer: str
    patch_file: str | None
    files_changed: tuple[str, ...]
    applied: bool
    """Whether the change is in the user's repository."""
    tests: Tests
    usage: UsageTotals
    duration_s: float
    limits: LimitsRecord
    engine: EngineInfo
    base_commit: str | None
    connections: tuple[Connection, ...] | None = None
    """With --offline: every place that glmcode connected to."""


def counts(report: TestReport) -> Counts:
    ids_failed = failing(report)
    return Counts(
        passed=len(report.passed),
        failed=len(ids_failed),
        skipped=len(report.skipped),
        ids_failed=tuple(sorted(ids_failed)),
    )


def tests_record(before: TestReport | None, after: TestReport | None, judgement: Judgement | None) -> Tests:
    ran = after or before
    return Tests(
        command=ran.command if ran else None,
        before=counts(before) if before else None,
        after=counts(after) if after else None,
        fixed=judgement.fixed if judgement else (),
        broken=judgement.broken if judgement else (),
        removed=judgement.removed if judgement else (),
        rewritten=judgement.rewritten if judgement else (),
        flaky=judgement.flaky if judgement else (),
    )


def usage_record(usage: Usage, requests: int, cost_usd: float | None) -> UsageTotals:
    return UsageTotals(requests=requests, cost_usd=cost_usd, **usage.model_dump())
