"""What the running turn does, told from the event that came last."""

from dataclasses import replace
from typing import Literal

from glmcode.events import Event
from glmcode.tui.status.values import Activity


def doing(event: Event, before: Activity | None, now: float) -> Activity | None:
    """The activity after an event; None once the turn is over. `now`: by `time.monotonic()`."""
    match event.kind:
        case "reasoning_delta":
            return _streaming("thinking", before, now)
        case "assistant_delta":
            return _streaming("answering", before, now)
        case "tool_started":
            return Activity("tool", now, detail=event.title)
        case "retry":
            return Activity("retrying", now, detail=event.reason)
        case "step_started" | "session_started" | "tool_finished" | "guard":
            return Activity("waiting", now)
        case "turn_finished":
            return None
        case _:
            return before


def _streaming(kind: Literal["thinking", "answering"], before: Activity | None, now: float) -> Activity:
    """Servers stream about a token a piece."""
    if before is not None and before.kind in ("thinking", "answering"):
        since = before.since if before.kind == kind else now
        return replace(before, kind=kind, since=since, tokens=before.tokens + 1)
    return Activity(kind, now, tokens=1)
