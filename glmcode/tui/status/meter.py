"""The context meter: how the model's window is filled, one shade a segment."""

from textual.content import Content

from glmcode.tui.status.figures import count, share
from glmcode.tui.status.values import Segment, SegmentName
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

STYLES: dict[SegmentName, str] = {
    "system": "$secondary",
    "tools": "$accent",
    "pack": "$primary",
    "history": "$warning",
}
"""The colour of each segment."""
NEARLY_FULL = 0.85


def segment_name(name: str) -> str:
    """A part of the prompt in the reader's language, where it is one of ours. Untrusted otherwise."""
    return text(f"meter.{name}") if name in STYLES else one_line(name, 60)


def cells(segments: tuple[Segment, ...], window: int, width: int) -> list[int]:
    """How many of `width` cells each segment fills; the rest is free. What is there gets one, while there are any."""
    used = sum(segment.tokens for segment in segments)
    exact = [segment.tokens / max(window, used, 1) * width for segment in segments]
    filled = [0 for _ in segments]
    for _ in range(min(width, max(round(sum(exact)), sum(each > 0 for each in exact)))):
        # The empty ones first, then whoever is furthest below its share.
        at = max(range(len(exact)), key=lambda at: (exact[at] > 0 == filled[at], exact[at] - filled[at]))
        filled[at] += 1
    return filled


def bar(segments: tuple[Segment, ...], window: int, width: int) -> Content:
    """The bar alone."""
    filled = cells(segments, window, width)
    parts = [
        Content.styled("█" * length, STYLES[segment.name]) for segment, length in zip(segments, filled, strict=True)
    ]
    return Content.assemble(*parts, Content.styled("░" * (width - sum(filled)), "$thinking 60%"))


def used_share(segments: tuple[Segment, ...], window: int) -> Content:
    """How much is used, in a warning colour when it is nearly all."""
    part = sum(segment.tokens for segment in segments) / max(window, 1)
    return Content.styled(share(part), "$warning bold" if part >= NEARLY_FULL else "")


def numbers(segments: tuple[Segment, ...], window: int) -> Content:
    """Each segment by name and tokens, in the colour that it has in the bar, then what is free."""
    free = max(0, window - sum(segment.tokens for segment in segments))
    named = [
        Content.styled(f"{text(f'meter.{segment.name}')} {count(segment.tokens)} ", STYLES[segment.name])
        for segment in segments
    ]
    return Content.assemble(*named, Content.styled(f"{text('meter.free')} {count(free)}", "$thinking"))
