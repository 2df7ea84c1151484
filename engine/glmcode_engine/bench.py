"""Measures an endpoint: time to the first token, speed of reading and writing, and what its cache saves."""

import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Literal

from glmcode_engine.base import Engine, EngineError, EngineInfo
from glmcode_engine.conformance.observation import Observed, observe
from glmcode_engine.messages import Count, Message, Request, Usage, Value

MAX_TOKENS = 128
"""Of each answer: enough to time, too few to cost much."""


class Timing(Value):
    """One answer, timed."""

    ttft_s: float
    """Seconds to the first part of the answer."""
    seconds: float
    usage: Usage
    prefill_tokens_s: float | None
    """Prompt tokens that were not cached, for each second until the first part; None without a count."""
    decode_tokens_s: float | None
    """Tokens of the answer for each second from its first part to its last; None where there are too few."""


class Round(Value):
    """The same long prompt twice: new to the server, then with another question at its end."""

    cold: Timing
    warm: Timing


class Bench(Value):
    """The record of `glmcode engine bench --json`. The figures are medians of the rounds."""

    kind: Literal["engine_bench"] = "engine_bench"
    v: Literal[1] = 1
    engine: EngineInfo
    pack_tokens: Count
    """Of the repository's pack, as estimated here."""
    rounds: tuple[Round, ...]
    ttft_cold_s: float
    ttft_warm_s: float
    prefill_tokens_s: float | None
    decode_tokens_s: float | None
    cache_hit: float | None
    """The part of the cold prompt that the warm one took from the cache; None without a count."""
    usage: Usage
    cost_usd: float | None = None
    """By the list price; None where it is not known."""
    seconds: float


class Prompts(Value):
    """What the model reads: a system prompt with the pack for each round, and two questions."""

    systems: tuple[str, ...]
    """One a round, each with another beginning, so that no earlier round is in the cache."""
    first: str
    second: str


async def bench(
    engine: Engine, prompts: Prompts, *, pack_tokens: int, on_round: Callable[[int], None] = lambda number: None
) -> Bench:
    """Measure, one request after the other. `on_round` is told the rounds' numbers from 1. Raises EngineError."""
    began = time.perf_counter()
    rounds: list[Round] = []
    for number, system in enumerate(prompts.systems, start=1):
        on_round(number)
        cold = await _timed(engine, system, prompts.first)
        rounds.append(Round(cold=cold, warm=await _timed(engine, system, prompts.second)))
    return summed_up(engine.info, tuple(rounds), pack_tokens, time.perf_counter() - began)


def summed_up(engine: EngineInfo, rounds: tuple[Round, ...], pack_tokens: int, seconds: float) -> Bench:
    """The record of these rounds, of which there is at least one."""
    timings = [timing for each in rounds for timing in (each.cold, each.warm)]
    prompts = [each for each in rounds if each.cold.usage.prompt_tokens]
    return Bench(
        engine=engine,
        pack_tokens=pack_tokens,
        rounds=rounds,
        ttft_cold_s=round(median(each.cold.ttft_s for each in rounds), 4),
        ttft_warm_s=round(median(each.warm.ttft_s for each in rounds), 4),
        prefill_tokens_s=_median(each.cold.prefill_tokens_s for each in rounds),
        decode_tokens_s=_median(timing.decode_tokens_s for timing in timings),
        cache_hit=_median(min(1.0, each.warm.usage.cached_tokens / each.cold.usage.prompt_tokens) for each in prompts),
        usage=sum((timing.usage for timing in timings), Usage()),
        seconds=round(seconds, 2),
    )


def timing_of(seen: Observed) -> Timing:
    """The figures of one answer. Raises EngineError: its own, or because nothing came."""
    if seen.error is not None:
        raise seen.error
    if seen.first_s is None or seen.last_s is None:
        raise EngineError("unusable", "the answer is empty, so there is nothing to measure; try `glmcode engine check`")
    used = seen.usage or Usage()
    fresh, writing_s = used.prompt_tokens - used.cached_tokens, seen.last_s - seen.first_s
    return Timing(
        ttft_s=seen.first_s,
        seconds=seen.seconds,
        usage=used,
        prefill_tokens_s=fresh / seen.first_s if fresh > 0 and seen.first_s > 0 else None,
        decode_tokens_s=(used.completion_tokens - 1) / writing_s
        if used.completion_tokens > 2 and writing_s > 0
        else None,
    )


async def _timed(engine: Engine, system: str, question: str) -> Timing:
    messages = (Message(role="system", content=system), Message(role="user", content=question))
    return timing_of(await observe(engine, Request(messages=messages, thinking=False, max_tokens=MAX_TOKENS)))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 4) if known else None
