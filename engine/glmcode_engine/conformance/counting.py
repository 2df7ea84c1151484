"""Judges what an endpoint tells about tokens: usage, cache, window and its own counter."""

from glmcode_engine.conformance.evidence import Evidence, Verdict, fail, ok, skipped, warn
from glmcode_engine.dialects import DIALECTS

_TELLERS = {"user": "set by you", "server": "told by the server", "preset": "known of this service"}
_NEAR = 0.02
"""The part of a prompt by which a counter may be off."""


def usage(evidence: Evidence) -> Verdict:
    """Whether the stream says what was used."""
    used = evidence.seen["hello"].usage
    if used is None or not (used.prompt_tokens and used.completion_tokens):
        return fail("no usage in the stream: costs and the fill of the window are only estimated")
    think = evidence.seen.get("think")
    thought = think.usage.reasoning_tokens if think and think.usage else 0
    more = "reasoning tokens told apart" if thought else "reasoning tokens not told apart"
    return ok(f"{used.prompt_tokens} prompt, {used.completion_tokens} completion; {more}")


def cache(evidence: Evidence) -> Verdict:
    """Whether a request that extends an earlier one is cheaper."""
    before, after = evidence.seen["log"].usage, evidence.seen["limited"].usage
    if not before or not after or not before.prompt_tokens:
        return skipped("without usage it cannot be told")
    reused = min(after.cached_tokens, before.prompt_tokens)
    ratio = reused / before.prompt_tokens
    told = f"{reused:,} of {before.prompt_tokens:,} tokens came from the cache ({ratio:.0%})"
    if not reused:
        remedy = "SGLang reports it with --enable-cache-report; vLLM with --enable-prompt-tokens-details."
        return warn("no cached tokens reported: every step is paid in full, or the report is off", remedy)
    return ok(told) if ratio >= 0.5 else warn(f"only {told}")


def window(evidence: Evidence) -> Verdict:
    """Whether the window is known, and by whom."""
    if evidence.window is None:
        return warn("nobody tells", "Set --window or GLMCODE_WINDOW to the tokens that prompt and answer may have.")
    size, teller = evidence.window
    return ok(f"{size:,} tokens, {_TELLERS[teller]}")


def token_counter(evidence: Evidence) -> Verdict:
    """Whether the server's own counter agrees with its usage."""
    if DIALECTS[evidence.dialect].counter is None:
        return skipped(f"the dialect {evidence.dialect} has none")
    used = evidence.seen["hello"].usage
    if evidence.counted is None:
        return warn("it does not answer; tokens are counted here instead")
    if used is None or not used.prompt_tokens:
        return skipped("without usage it cannot be told")
    told = f"{evidence.counted} tokens counted, {used.prompt_tokens} used"
    if abs(evidence.counted - used.prompt_tokens) > max(2, _NEAR * used.prompt_tokens):
        return warn(f"they differ: {told}")
    return ok(told)
