"""Reads from SGLang's log how far a start has come."""

import re
from typing import Literal

from glmcode_engine.messages import Value
from glmcode_engine.untrusted import one_line

PhaseName = Literal["starting", "download", "load", "kv", "graphs", "warmup", "ready"]
PHASES: tuple[PhaseName, ...] = ("starting", "download", "load", "kv", "graphs", "warmup", "ready")
"""In the order in which a start goes through them; a server without GPUs or a download leaves some out."""
TITLES: dict[PhaseName, str] = {
    "starting": "starting the server",
    "download": "downloading the checkpoint",
    "load": "loading the weights",
    "kv": "allocating the KV cache",
    "graphs": "capturing CUDA graphs",
    "warmup": "warming up",
    "ready": "ready",
}

_LINE_CHARS = 200
_PERCENT = re.compile(r"(\d{1,3})%(?:\s+Completed)?\s*\|", re.ASCII)
# Wordings of 0.4 to 0.5.23, read from its sources and from logs in public issues (tests/engine/sglang/log_lines.yaml).
_WORDS: tuple[tuple[PhaseName, re.Pattern[str]], ...] = (
    ("ready", re.compile(r"The server is fired up and ready to roll")),
    ("warmup", re.compile(r"Uvicorn running on|Application startup complete|Start of .{0,20}warmup|End of warmup")),
    ("graphs", re.compile(r"Capture \w+ graph (?:begin|bs|num tokens)"
                          r"|Capturing (?:batches|num tokens)|Compiling num tokens")),
    ("kv", re.compile(r"KV Cache is allocated|Memory pool end"
                      r"|available memory for KV cache|Allocating .{0,60}host memory")),
    ("load", re.compile(r"Load weight (?:begin|end)|loading shards"
                        r"|Loading \w+ checkpoint shards|Loading weights", re.I)),
    ("download", re.compile(r"Fetching \d+ files|Downloading|\.safetensors:\s+\d{1,3}%")),
)  # fmt: skip


class Phase(Value):
    """Where a start is."""

    name: PhaseName
    fraction: float | None = None
    """Of this phase, 0 to 1, where the log tells it."""
    line: str = ""
    """The log's own words, one harmless line."""

    @property
    def title(self) -> str:
        return TITLES[self.name] if self.fraction is None else f"{TITLES[self.name]}, {self.fraction:.0%}"


def read_phase(line: str, before: Phase | None = None) -> Phase | None:
    """The phase that this line of the log tells of; None where it tells none, or an earlier one than `before`."""
    name = next((name for name, words in _WORDS if words.search(line)), None)
    if name is None or (before is not None and PHASES.index(name) < PHASES.index(before.name)):
        return None
    percent = _PERCENT.search(line)
    fraction = min(int(percent[1]), 100) / 100 if percent and name in ("download", "load", "graphs") else None
    if fraction is None and before is not None and before.name == name:
        fraction = before.fraction
    return Phase(name=name, fraction=fraction, line=one_line(line, limit=_LINE_CHARS))
