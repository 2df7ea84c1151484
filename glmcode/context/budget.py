"""Chooses how many tokens of the repository a task is worth: by its need, the model's window, and the price."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glmcode.context.ranking.task import Task

if TYPE_CHECKING:
    from glmcode_engine.prices import Prices

SHARP, MIDDLE = 6_500, 25_000
"""Tokens of the likeliest pieces that hold MASS of all probability. A third of the issues lies below each, between and
above (benchmarks/packing/need.py)."""
MASS = 0.7
WINDOW_SHARE = 1 / 3
"""The rest of the window is for the system prompt, the work and the answers."""
MAX_COLD_USD = 0.06
"""Where prices are known, reading the pack for the first time costs no more."""
MAX_CHOSEN = 64_000
"""The most that is ever chosen."""
NO_TASK_TOKENS = 4_000
LEAST_TOKENS = 2_000
_SMALL = re.compile(
    r"\b(?:rename|typos?|misspell\w*|spelling|reword|docstring|comment|changelog|bump|version number)\b", re.I
)
_FAILING = re.compile(
    r"\b(?:fail\w*|crash\w*|broken|breaks?|cannot|can't|does(?:n't| not)|raises?|hangs?|wrong\w*|loses?|lost)\b", re.I
)
"""In a title that something small does so it is no small change: not `error`, which messages are called, too."""
_TRACE = re.compile(
    r"Traceback \(most recent|^[ \t]*File \"[^\"\n]+\", line \d|^[ \t]*at [\w.$<>]+ ?\([^)\n]*:\d+|"
    r"panicked at |goroutine \d",
    re.M,
)
MAX_SMALL_CHARS = 400


@dataclass(frozen=True, slots=True)
class Auto:
    """Stands for a budget that is to be chosen."""

    window: int | None = None
    """The model's, in tokens; None where it is not known."""
    prices: "Prices | None" = None


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget with its reason in a few words."""

    tokens: int
    reason: str = ""


def choose_budget(auto: Auto, task: Task, spread: int, named_lines: Collection[int]) -> Budget:
    """The budget for a task whose probability is spread over `spread` tokens (see `fitting.spread`).

    `named_lines` are the lines of the repository's files that the task names. What the steps hold of the dev set's
    issues, that is all edits (benchmarks/packing/need.py): 8K 93 of 100 of the sharp ones that name lines; 13K 95 of
    the other sharp ones; 32K 88 of the middle ones; 64K 84 of the spread ones, where 100K would be needed for 95.
    """
    traced = bool(named_lines) or _TRACE.search(task.text) is not None
    what = "a bug with a trace" if traced else "a task without a trace"
    if not task.text.strip():
        need = Budget(NO_TASK_TOKENS, "no task yet")
    elif _is_small(task):
        need = Budget(6_000, "a small change by its title")
    elif spread <= SHARP:
        need = Budget(8_000 if traced else 13_000, f"{what}, and few places match")
    elif spread <= MIDDLE:
        need = Budget(24_000 if traced else 32_000, f"{what}, and several files match")
    else:
        need = Budget(48_000 if traced else MAX_CHOSEN, f"{what}, and much matches a little")
    return _bounded(need, auto)


def _is_small(task: Task) -> bool:
    small = _SMALL.search(task.title) is not None and _FAILING.search(task.title) is None
    return small and len(task.text) <= MAX_SMALL_CHARS


def _bounded(need: Budget, auto: Auto) -> Budget:
    if auto.prices is not None and auto.prices.prompt > 0:
        affordable = int(MAX_COLD_USD / auto.prices.prompt * 1_000_000)
        if affordable < need.tokens:
            need = Budget(max(LEAST_TOKENS, affordable), f"{need.reason}; less for its price")
    if auto.window is not None and (most := int(auto.window * WINDOW_SHARE)) < need.tokens:
        need = Budget(most, f"{need.reason}; less for the window of {auto.window:,}")
    return need


def announcement(tokens: int, reason: str, prices: "Prices | None") -> str:
    """One line for people: how much of the repository is sent, why so much, and what it costs where that is known."""
    size = f"{tokens / 1000:.0f}K" if tokens >= 1000 else str(tokens)
    line = f"{size} tokens of this repository: {reason}" if reason else f"{size} tokens of this repository"
    if prices is None or not tokens:
        return line
    from glmcode_engine.messages import Usage

    cold = prices.cost(Usage(prompt_tokens=tokens))
    cached = prices.cost(Usage(prompt_tokens=tokens, cached_tokens=tokens))
    return f"{line}; {_usd(cold)} cold, {_usd(cached)} cached"


def _usd(cost: float) -> str:
    return f"${cost:.3f}" if cost >= 0.0005 or not cost else "under $0.001"
