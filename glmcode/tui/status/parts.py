"""The parts of the status line, and which of them a narrow terminal still gets."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from glmcode.tui.status import meter
from glmcode.tui.status.figures import count, dollars, seconds, share
from glmcode.tui.status.values import Status
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

_GAP = " · "
_APPROVAL_STYLES = {"plan": "$accent bold", "ask": "$primary bold", "auto": "$warning bold", "deny": "$thinking bold"}


ALWAYS = 9
"""What is as important as this never goes away."""

Part = tuple[tuple[int, Content], ...]
"""One part in its forms, longest first, each with its importance: the least important gives way first, to the next."""


def line(status: Status, now: float, width: int) -> Content:
    """The status line in at most `width` cells, as far as what never goes away allows."""
    return Content.styled(_GAP, "$thinking 60%").join(fitted([*_parts(status, now)], width))


def fitted(parts: Sequence[Part], width: int) -> list[Content]:
    """The longest forms that fit together."""
    chosen = [0 for _ in parts]
    steps = sorted(
        (importance, at, form)
        for at, part in enumerate(parts)
        for form, (importance, _) in enumerate(part)
        if importance < ALWAYS or form + 1 < len(part)
    )
    for _, at, form in steps:
        if _width(parts, chosen) <= width:
            break
        chosen[at] = max(chosen[at], form + 1)
    return _shown(parts, chosen)


def _shown(parts: Sequence[Part], chosen: Sequence[int]) -> list[Content]:
    return [part[form][1] for part, form in zip(parts, chosen, strict=True) if form < len(part)]


def _width(parts: Sequence[Part], chosen: Sequence[int]) -> int:
    shown = _shown(parts, chosen)
    return sum(content.cell_length for content in shown) + len(_GAP) * max(0, len(shown) - 1)


def _parts(status: Status, now: float) -> Iterator[Part]:
    yield _approval(status)
    yield _model(status)
    if status.segments and status.window:
        yield _context(status, status.window)
    yield from _cache(status)
    yield from _spent(status)
    yield from _place(status)
    if status.indexing is not None:
        done, of = status.indexing
        whole = Content.styled(text("status.indexing", done=f"{done:,}", of=f"{of:,}"), "$thinking")
        yield (2, whole), (4, Content.styled(text("status.indexing_share", share=share(done / of)), "$thinking"))
    elapsed = status.elapsed_s if status.running_since is None else now - status.running_since
    if elapsed is not None:
        yield ((5, Content(seconds(elapsed))),)


def _approval(status: Status) -> Part:
    name = text(f"status.{status.approval}")
    style = _APPROVAL_STYLES[status.approval]
    return (0, Content.styled(text("status.mode", mode=name), style)), (ALWAYS, Content.styled(name, style))


def _model(status: Status) -> Part:
    model = one_line(status.model, 28)
    thinking = text("status.thinking", state=text(f"status.{status.thinking}"))
    if status.engine in ("scripted", "replay"):
        # What plays is no model, and every face says so.
        return ((ALWAYS, Content.styled(text(f"status.{status.engine}"), "$warning")),)
    whole = Content(f"{one_line(status.engine, 20)} {model} {thinking}")
    return (3, whole), (5, Content(f"{model} {thinking}")), (7, Content(one_line(status.model, 16)))


def _context(status: Status, window: int) -> Part:
    used = meter.used_share(status.segments, window)
    wide, narrow = (meter.bar(status.segments, window, width) for width in (16, 10))
    return (
        (1, Content.assemble(wide, " ", used, " ", meter.numbers(status.segments, window))),
        (2, Content.assemble(wide, " ", used, f" / {count(window)}")),
        (6, Content.assemble(narrow, " ", used)),
        (8, used),
    )


def _cache(status: Status) -> Iterator[Part]:
    if status.broken_segment:
        broken = text("status.cache_broken", segment=one_line(meter.segment_name(status.broken_segment), 20))
        yield ((8, Content.styled(broken, "$warning")),)
    elif status.cached_request is not None:
        last = share(status.cached_request)
        short = (6, Content(text("status.cache", last=last)))
        if status.cached_session is None:
            yield (short,)
        else:
            yield (3, Content(text("status.cache_both", last=last, session=share(status.cached_session)))), short


def _spent(status: Status) -> Iterator[Part]:
    if status.tokens_in or status.tokens_out:
        yield ((2, Content(f"↑{count(status.tokens_in)} ↓{count(status.tokens_out)}")),)
    if status.cost_usd is not None:
        yield ((4, Content(dollars(status.cost_usd))),)


def _place(status: Status) -> Iterator[Part]:
    if status.sandbox == "none":
        yield ((ALWAYS, Content.styled(text("status.no_sandbox"), "$error bold")),)
    elif status.network == "host":
        open_ = text("status.host_network", sandbox=one_line(status.sandbox, 12))
        yield (
            (3, Content.styled(open_, "$warning bold")),
            (ALWAYS, Content.styled(text("status.host"), "$warning bold")),
        )
    elif status.sandbox:
        yield ((4, Content(one_line(status.sandbox, 12))),)
    if status.workspace in ("direct", "isolated"):
        yield ((2, Content(text(f"status.{status.workspace}"))),)
    if status.branch:
        yield (2, Content(f"git {one_line(status.branch, 30)}")), (3, Content(f"git {one_line(status.branch, 12)}"))
