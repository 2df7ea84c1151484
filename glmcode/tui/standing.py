"""Where a session stands: the figures of the status line, counted from events and asked of the live session."""

import asyncio
import time
from typing import TYPE_CHECKING

from glmcode.config import Settings
from glmcode.events import CacheBroken, Event, TurnFinished, UsageCounted
from glmcode.tui.branch import branch_of
from glmcode.tui.status.values import Segment, Status
from glmcode_engine.messages import Usage

if TYPE_CHECKING:
    from pathlib import Path

    from glmcode.live.session import LiveSession


class Standing:
    """Takes every event of a session, live or replayed; `status` is what there is to show now."""

    def __init__(self) -> None:
        self.total = Usage()
        """Of all requests of the session."""
        self.last = Usage()
        """Of the last request."""
        self.sent_before = 0
        """Prompt tokens that a request before had as well, so that a cache that nothing breaks could give them."""
        self.broken = ""
        """The segment that broke the cache of the last request."""
        self.last_broken: CacheBroken | None = None
        """What broke the cache last in the session."""
        self.branch = ""
        self.indexing: tuple[int, int] | None = None
        self.running_since: float | None = None
        self.elapsed_s: float | None = None
        self._segments: tuple[Segment, ...] = ()
        self._window: int | None = None
        self._ended_cost = 0.0
        self._turn_cost: float | None = None
        self._priced = False

    @property
    def cost_usd(self) -> float | None:
        """Of the session; None where no price is known."""
        return self._ended_cost + (self._turn_cost or 0.0) if self._priced else None

    def apply(self, event: Event) -> None:
        """Count what an event tells."""
        match event:
            case UsageCounted():
                self.sent_before += min(self.last.prompt_tokens, event.usage.prompt_tokens)
                self.last, self.total = event.usage, self.total + event.usage
                self._turn_cost = event.cost_usd
                self._priced = self._priced or event.cost_usd is not None
            case TurnFinished():
                self._ended_cost += event.cost_usd or 0.0
                self._priced = self._priced or event.cost_usd is not None
                self._turn_cost, self.elapsed_s = None, event.duration_s
            case _ if event.kind == "step_started":
                self.broken = ""
            case CacheBroken():
                self.broken, self.last_broken = event.segment, event

    def go_on_from(self, before: "Standing") -> None:
        """Take over what belongs to no session."""
        self.branch, self.indexing = before.branch, before.indexing

    def begin(self) -> None:
        """A turn begins now."""
        self.running_since = time.monotonic()

    def end(self) -> None:
        """No turn runs any more."""
        self.running_since = None

    async def measure(self, live: "LiveSession") -> None:
        """Ask how full the window is."""
        meter = await live.meter()
        if meter is not None:
            self._segments = tuple(Segment(name, tokens) for name, tokens in meter.segments)
            self._window = meter.window

    async def look_at(self, repo: "Path") -> None:
        """Read which branch is checked out."""
        self.branch = await asyncio.to_thread(branch_of, repo)

    def status(self, settings: Settings, live: "LiveSession | None") -> Status:
        """What to show. `settings` are those that hold where nothing is open yet."""
        settings = live.settings if live else settings
        return Status(
            engine=live.engine.info.kind if live else settings.engine.partition(":")[0],
            model=live.engine.info.model if live else settings.model,
            approval=settings.approval or "ask",
            thinking=settings.thinking,
            segments=self._segments,
            window=self._window,
            cached_request=_share(self.last),
            cached_session=_share(self.total),
            broken_segment=self.broken,
            tokens_in=self.total.prompt_tokens,
            tokens_out=self.total.completion_tokens,
            cost_usd=self.cost_usd,
            sandbox=settings.sandbox,
            network=settings.network,
            workspace=settings.workspace or "direct",
            branch=self.branch,
            indexing=self.indexing,
            running_since=self.running_since,
            elapsed_s=self.elapsed_s,
        )


def _share(usage: Usage) -> float | None:
    return usage.cached_tokens / usage.prompt_tokens if usage.prompt_tokens else None
