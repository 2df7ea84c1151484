"""The checks of the conformance test, as data: a name, the exchanges it is judged by, and its judge."""

from collections.abc import Callable
from dataclasses import dataclass

from glmcode_engine.conformance import calling, counting, limits, thinking
from glmcode_engine.conformance.evidence import CheckResult, Evidence, Verdict, fail, skipped
from glmcode_engine.conformance.exchanges import ExchangeName

_UNKNOWN = frozenset({"rate_limited"})
"""Failures that say nothing about the endpoint's ways."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    name: str
    needs: tuple[ExchangeName, ...]
    """The exchanges it cannot be judged without; a failed one fails it."""
    judge: Callable[[Evidence], Verdict]
    expects: tuple[ExchangeName, ...] = ()
    """The exchanges it cannot be judged without, where a failure is for the judge to weigh."""


CHECKS: tuple[Check, ...] = (
    Check("answers", ("hello",), thinking.answers),
    Check("thinking_off", ("hello",), thinking.thinking_off),
    Check("thinking_on", ("think",), thinking.thinking_on),
    Check("reasoning_streamed", ("think",), thinking.reasoning_streamed),
    Check("reasoning_accepted", ("results",), thinking.reasoning_accepted, expects=("calls",)),
    Check("tool_call", ("calls",), calling.tool_call),
    Check("tool_call_streamed", ("calls",), calling.call_streamed),
    Check("parallel_calls", ("calls",), calling.parallel_calls),
    Check("argument_types", ("calls",), calling.argument_types),
    Check("tool_results", ("results",), calling.tool_results),
    Check("long_tool_result", ("log",), calling.long_result),
    Check("usage", ("hello",), counting.usage),
    Check("cache", ("log", "limited"), counting.cache),
    Check("window", (), counting.window, expects=("hello",)),
    Check("token_counter", ("hello",), counting.token_counter),
    Check("max_tokens", ("limited",), limits.max_tokens),
    Check("early_stop", ("log", "left"), limits.early_stop, expects=("limited",)),
    Check("overflow", (), limits.overflow, expects=("beyond_window",)),
    Check("unknown_model", (), limits.unknown_model, expects=("unknown_model",)),
    Check("errors", (), limits.errors, expects=("beyond_window", "unknown_model")),
)


def judge_all(evidence: Evidence) -> tuple[CheckResult, ...]:
    """Every check's result, in order."""
    return tuple(_result(check, evidence) for check in CHECKS)


def _result(check: Check, evidence: Evidence) -> CheckResult:
    names = (*check.needs, *check.expects)
    seconds = sum(evidence.seen[name].seconds for name in names if name in evidence.seen)
    return CheckResult(name=check.name, seconds=round(seconds, 3), **_judged(check, evidence).model_dump())


def _judged(check: Check, evidence: Evidence) -> Verdict:
    for name in check.needs:
        if (seen := evidence.seen.get(name)) and seen.error is not None:
            return (skipped if seen.error.kind in _UNKNOWN else fail)(str(seen.error))
    if any(name not in evidence.seen for name in (*check.needs, *check.expects)):
        return skipped(evidence.missing)
    return check.judge(evidence)
