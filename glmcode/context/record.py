"""The records of a context pack, as `glmcode pack` prints them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

SegmentName = Literal["instructions", "map", "core", "files"]


class Part(BaseModel):
    """Base of a pack's records."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class PackedFile(Part):
    """One file in the pack."""

    path: str
    ranges: tuple[tuple[int, int], ...] | None
    """First and last lines, counted from 1, both included; None for the whole file."""
    tokens: int
    score: float
    why: str


class Segment(Part):
    """A part of the pack's text that changes for reasons of its own; the segments in order are the text."""

    name: SegmentName
    tokens: int
    sha256: str
    """Of the segment's text in UTF-8."""


class ContextPack(Part):
    """What the model is sent of the repository, and why."""

    kind: Literal["pack"] = "pack"
    v: Literal[1] = 1
    budget: int
    budget_why: str = ""
    """Where the budget was chosen: the reason, in a few words."""
    tokens: int
    tokenizer: Literal["cl100k_base"] = "cl100k_base"
    text: str
    files: tuple[PackedFile, ...] = ()
    segments: tuple[Segment, ...] = ()
    note: str = ""
    """What a person should know of it: that the index was not complete."""
    left_out: dict[str, int] = {}
    """How many files were not read, by reason."""
    seconds: float
