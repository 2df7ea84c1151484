"""What the status line and the activity line show: plain values, made by whoever knows them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from glmcode.policy import ApprovalMode

SegmentName = Literal["system", "tools", "pack", "history"]
"""Parts of the prompt, in the order in which they are sent."""


@dataclass(frozen=True, slots=True)
class Segment:
    """How much of the model's window a part of the prompt takes."""

    name: SegmentName
    tokens: int


@dataclass(frozen=True, slots=True)
class Status:
    """Everything the status line may show; what is not known is None or empty and left out."""

    engine: str
    """Its kind: remote, sglang, scripted, replay."""
    model: str
    approval: "ApprovalMode"
    thinking: Literal["on", "off", "auto"] = "auto"
    segments: tuple[Segment, ...] = ()
    window: int | None = None
    """Tokens the model can take."""
    cached_request: float | None = None
    """Share of the last request's prompt that came from the server's cache, 0 to 1."""
    cached_session: float | None = None
    broken_segment: str = ""
    """The segment that changed and so broke the cache of the last request."""
    tokens_in: int = 0
    """Prompt tokens of the session."""
    tokens_out: int = 0
    """Completion tokens of the session."""
    cost_usd: float | None = None
    sandbox: str = ""
    """docker, bwrap or none."""
    network: Literal["none", "host"] = "none"
    workspace: str = ""
    """direct or isolated."""
    branch: str = ""
    indexing: tuple[int, int] | None = None
    """How many files of how many are in the index, while it is brought up to date."""
    running_since: float | None = None
    """When the running turn began, by `time.monotonic()`; None while none runs."""
    elapsed_s: float | None = None
    """How long the last turn took."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What a running turn does just now."""

    kind: Literal["starting", "waiting", "thinking", "answering", "tool", "compacting", "retrying"]
    since: float
    """By `time.monotonic()`."""
    tokens: int = 0
    """Streamed so far in this step."""
    detail: str = ""
    """The tool's title, or why the request is tried again. Untrusted."""
