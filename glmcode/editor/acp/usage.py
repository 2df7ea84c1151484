"""What a session has used, as the protocol's numbers; what it has no word for goes in `_meta`."""

from typing import Any

from acp.schema import Cost, Usage, UsageUpdate

from glmcode.events import TurnFinished, UsageCounted
from glmcode.live.meter import Meter

META = "glmcode"


class Used:
    """Adds up the turns of one session since it was opened here."""

    def __init__(self) -> None:
        self._cost: float | None = None
        self._last: UsageCounted | None = None

    def request(self, event: UsageCounted, window: int | None) -> UsageUpdate | None:
        """After a request: how full the window is, as the server counts. None where nobody told how large it is."""
        self._last = event
        used = event.usage.prompt_tokens + event.usage.completion_tokens
        return self._update(used, window, _sum(self._cost, event.cost_usd), {}) if window and used else None

    def turn(self, finished: TurnFinished) -> Usage:
        """Of one turn, for the answer to its prompt."""
        self._cost = _sum(self._cost, finished.cost_usd)
        usage = finished.usage
        return Usage(
            total_tokens=usage.prompt_tokens + usage.completion_tokens,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            thought_tokens=usage.reasoning_tokens,
            cached_read_tokens=usage.cached_tokens,
        )

    def measured(self, meter: Meter) -> UsageUpdate | None:
        """Between two turns: what the next prompt will hold, by segments."""
        if meter.window is None:
            return None
        return self._update(meter.used, meter.window, self._cost, {"segments": dict(meter.segments)})

    def _update(self, used: int, window: int, cost: float | None, meta: dict[str, Any]) -> UsageUpdate:
        if self._last:
            request = self._last.usage
            meta = {**meta, "promptTokens": request.prompt_tokens, "cachedTokens": request.cached_tokens}
        return UsageUpdate(
            session_update="usage_update",
            used=used,
            size=window,
            cost=None if cost is None else Cost(amount=cost, currency="USD"),
            field_meta={META: meta},
        )


def _sum(one: float | None, other: float | None) -> float | None:
    return one if other is None else round((one or 0.0) + other, 6)
