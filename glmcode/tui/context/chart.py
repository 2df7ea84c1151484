"""The model's window as a chart: a bar of all segments, each with its numbers, and what requests cost so far."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from glmcode.events import CacheBroken
from glmcode.tui.status import meter
from glmcode.tui.status.figures import count, dollars, share
from glmcode.tui.status.values import Status
from glmcode.tui.texts import text
from glmcode_engine.messages import Usage
from glmcode_sandbox.clean import one_line

_GAP = "  "
_NUMBER = 6
_BAR_LEAST = 10
_LINES = ("last", "session", "could", "broke")


@dataclass(frozen=True, slots=True)
class Fill:
    """What the chart shows, as it is now."""

    status: Status
    last: Usage
    """Of the last request."""
    sent_before: int = 0
    """Prompt tokens of the session that a request before had as well."""
    broken: CacheBroken | None = None
    """What broke the cache last. Untrusted."""


def chart(fill: Fill, width: int) -> Content:
    """All lines, none longer than `width` cells as long as there is room for the names and numbers."""
    return Content("\n").join([*_window(fill.status, width), Content(""), *_requests(fill, width)])


def _window(status: Status, width: int) -> Iterator[Content]:
    if not status.segments:
        yield Content.styled(text("context.unmeasured"), "$thinking")
        return
    used = sum(segment.tokens for segment in status.segments)
    whole = status.window or used
    told = text("context.of_window", window=count(whole)) if status.window else text("context.no_window")
    share_used = meter.used_share(status.segments, whole) if status.window else Content(count(used))
    yield Content.assemble(share_used, " ", Content.styled(told, "$thinking"))
    yield meter.bar(status.segments, whole, width)
    yield Content("")
    rows = [(f"meter.{each.name}", each.tokens, meter.STYLES[each.name]) for each in status.segments]
    if status.window:
        rows.append(("meter.free", max(0, status.window - used), "$thinking"))
    names = max(cell_len(text(key)) for key, _, _ in rows)
    most = max(1, *(tokens for _, tokens, _ in rows))
    room = width - names - 2 * _NUMBER - 3 * len(_GAP)
    for key, tokens, style in rows:
        name = text(key)
        numbers = f"{count(tokens):>{_NUMBER}}{share(tokens / max(whole, 1)):>{_NUMBER}}"
        line = Content.styled(name + " " * (names - cell_len(name)) + _GAP + numbers, style)
        bar = "━" * max(1 if tokens else 0, round(tokens / most * room)) if room >= _BAR_LEAST else ""
        yield Content.assemble(line, _GAP, Content.styled(bar, style))


def _requests(fill: Fill, width: int) -> Iterator[Content]:
    """What the last request and the session took, and what broke the cache."""
    status = fill.status
    told = {
        "last": _usage(fill.last.prompt_tokens, fill.last.completion_tokens, status.cached_request),
        "session": _usage(status.tokens_in, status.tokens_out, status.cached_session),
        "could": _could(status, fill.sent_before),
        "broke": text("context.whole"),
    }
    if status.cost_usd is not None:
        told["session"] = f"{dollars(status.cost_usd)} · {told['session']}"
    if fill.broken is not None:
        told["broke"] = one_line(f"{meter.segment_name(fill.broken.segment)}: {fill.broken.cause}", 300)
    names = max(cell_len(text(f"context.{name}")) for name in _LINES)
    for name in _LINES:
        label = text(f"context.{name}")
        style = "$warning" if name == "broke" and fill.broken is not None else ""
        value = Content.styled(told[name], style).truncate(max(1, width - names - len(_GAP)), ellipsis=True)
        yield Content.assemble(Content.styled(label + " " * (names - cell_len(label)), "$thinking"), _GAP, value)


def _usage(sent: int, answered: int, cached: float | None) -> str:
    if cached is None:
        return text("context.nothing")
    return text("context.usage", sent=count(sent), answered=count(answered), cached=share(cached))


def _could(status: Status, sent_before: int) -> str:
    """What the cache could have given at most, were nothing changed in what had been sent."""
    if not sent_before or not status.tokens_in:
        return text("context.nothing")
    return text("context.could_be", cached=share(sent_before / status.tokens_in))
