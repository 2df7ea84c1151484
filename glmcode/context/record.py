"""The records of a context pack, as `glmcode pack` prints them."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SegmentName = Literal["instructions", "map", "core", "files"]


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file in the pack."""

    path: str
    ranges: tuple[tuple[int, int], ...] | None
    """First and last lines, counted from 1, both included; None for the whole file."""
    tokens: int
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the pack's text that changes for reasons of its own; the segments in order are the text."""

    name: SegmentName
    tokens: int
    sha256: str
    """Of the segment's text in UTF-8."""


@dataclass(frozen=True, slots=True)
class ContextPack:
    """What the model is sent of the repository, and why."""

    budget: int
    tokens: int
    text: str
    seconds: float
    budget_why: str = ""
    """Where the budget was chosen: the reason, in a few words."""
    files: tuple[PackedFile, ...] = ()
    segments: tuple[Segment, ...] = ()
    note: str = ""
    """What a person should know of it: that the index was not complete."""
    left_out: dict[str, int] = field(default_factory=dict)
    """How many files were not read, by reason."""

    def record(self) -> dict[str, Any]:
        """What `glmcode pack --format json` prints, as the contract has it."""
        return {"kind": "pack", "v": 1, "tokenizer": "cl100k_base", **asdict(self)}

    def json(self) -> str:
        """The record as one line."""
        return json.dumps(self.record(), ensure_ascii=False, separators=(",", ":"))
