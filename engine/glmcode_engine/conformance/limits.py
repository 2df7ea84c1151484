"""Judges how an endpoint ends answers and refuses what it cannot do."""

import re

from glmcode_engine.conformance.evidence import Evidence, Verdict, fail, ok, quoted, skipped, warn
from glmcode_engine.conformance.exchanges import ExchangeName
from glmcode_engine.conformance.observation import Observed

_OVERFLOWS = frozenset({"model_context_window_exceeded"})
_BUSINESS = re.compile(r"1\d{3}")
"""Codes of Z.ai's own; HTTP statuses are no such."""
_LATE_S = 5.0
"""So much longer than before may the answer after an abandoned one take to begin."""
_REFUSED: tuple[ExchangeName, ...] = ("beyond_window", "too_long", "unknown_model")


def max_tokens(evidence: Evidence) -> Verdict:
    """Whether the limit of an answer holds and is told."""
    seen = evidence.seen["limited"]
    limit = seen.request.max_tokens or 0
    if seen.usage and seen.usage.completion_tokens > 2 * limit:
        return fail(f"{seen.usage.completion_tokens} tokens came where {limit} were allowed")
    if seen.stop != "length":
        return warn(f"the finish reason of a cut answer is {quoted(seen.stop or '')}, not length")
    return ok("finish reason length")


def early_stop(evidence: Evidence) -> Verdict:
    """Whether the server is free again once a stream was closed."""
    left, then, before = (evidence.seen[name] for name in ("left", "limited", "log"))
    if not left.left_early:
        return skipped("the answer ended before its stream was closed")
    if then.error is not None:
        return fail(f"the request after a closed stream failed: {then.error}", "Look into the server's log.")
    if then.retries:
        return warn(f"the request after a closed stream had to be sent again: {then.retries[0]}")
    if then.first_s is None:
        return skipped("the request after a closed stream got an empty answer")
    told = f"the next answer began after {then.first_s:.2f} s"
    if then.first_s > (before.first_s or 0) + _LATE_S:
        return warn(f"{told}: the server seems to go on with answers that nobody reads")
    return ok(told)


def overflow(evidence: Evidence) -> Verdict:
    """Whether we understand how the server says that a prompt does not fit."""
    tried = [seen for name in _REFUSED[:2] if (seen := evidence.seen.get(name))]
    if any(_is_overflow(seen) for seen in tried):
        return ok("its refusal of what does not fit the window is understood")
    last = tried[-1]
    if last.error is not None and last.error.kind == "rate_limited":
        return skipped(f"the server was busy: {last.error}")
    if "too_long" in evidence.seen:
        if last.error is None:
            remedy = "Set --window, so that the session is compacted in time."
            return warn(
                "a prompt beyond the window was answered: the server cuts it silently, or has a larger one", remedy
            )
        return fail(f"a prompt beyond the window is refused in words we do not know: {last.error}", "Please report it.")
    how = f"max_tokens beyond the window is refused as {last.error.kind}" if last.error else "max_tokens is clamped"
    if evidence.window is None:
        return skipped(f"{how}; no prompt beyond the window was sent, since the window is not known (--window)")
    return skipped(f"{how}; a prompt beyond the window was not sent, it may cost money (--thorough sends it)")


def unknown_model(evidence: Evidence) -> Verdict:
    """Whether a wrong model name is noticed."""
    error = evidence.seen["unknown_model"].error
    if error is None:
        return warn("another model's name is answered all the same: a typing error in --model goes unnoticed")
    if error.kind == "rate_limited":
        return skipped(f"the server was busy: {error}")
    if error.kind != "bad_request":
        return fail(f"a wrong model name is taken for another failure ({error.kind}): {error}", "Please report it.")
    return ok("refused")


def errors(evidence: Evidence) -> Verdict:
    """Whether errors come as JSON in the shape of the dialect."""
    seen = [observed.error for name in _REFUSED if (observed := evidence.seen.get(name)) and observed.error]
    if not seen:
        return skipped("nothing was refused")
    if plain := next((error for error in seen if error.code is None), None):
        return warn(f"an error is no JSON object: {plain}")
    codes = ", ".join(dict.fromkeys(error.code or "none" for error in seen))
    if evidence.dialect == "zai" and not all(_BUSINESS.fullmatch(error.code or "") for error in seen):
        return warn(f"errors are JSON, but without Z.ai's business codes ({codes})", "Check --dialect.")
    return ok(f"JSON, code {codes}")


def _is_overflow(seen: Observed) -> bool:
    return seen.stop in _OVERFLOWS or (seen.error is not None and seen.error.kind == "overflow")
