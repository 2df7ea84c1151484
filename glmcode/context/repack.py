"""Packs anew in the middle of a session: what comes out, and what it costs that the prompt begins otherwise."""

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from glmcode.context.budget import Auto
from glmcode.context.pack import pack
from glmcode.context.pins import NO_PINS, Pins
from glmcode.context.record import ContextPack
from glmcode_engine.tokens import estimate_tokens


@dataclass(frozen=True, slots=True)
class Repacked:
    """A new pack in place of another."""

    pack: ContextPack
    kept: int
    """Tokens of the pack that the server still has in its cache: about those before the first difference."""
    fresh: int
    """Tokens of the pack that it has to read anew. All of the conversation behind the pack comes on top."""


def repack(repo: Path, task: str, budget: int | Auto, before: str, pins: Pins = NO_PINS) -> Repacked:
    """Pack again, after the task, the files, the budget or the pins have changed; to be announced with its cost.

    `before` is the text of the pack that was sent, empty for none. Nothing is sent or replaced here. Blocking, and
    raises, as `pack` does.
    """
    new = pack(repo, task, budget, pins)
    if before == new.text:
        return Repacked(new, new.tokens, 0)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, new.text, strict=False)))
    whole = estimate_tokens(new.text) or 1
    # The estimate of both errs alike, so their ratio does not.
    kept = new.tokens * estimate_tokens(new.text[:same]) // whole
    return Repacked(new, kept, new.tokens - kept)
