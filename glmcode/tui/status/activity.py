"""The line above the prompt that says what a running turn does, for how long, and how to end it."""

import time

from textual.content import Content
from textual.reactive import var
from textual.timer import Timer
from textual.widget import Widget

from glmcode.tui.status.figures import count, seconds
from glmcode.tui.status.values import Activity
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line

_FRAMES = "◐◓◑◒"
_STILL = "●"
FRAME_S = 0.25
_MIN_TOKENS_WIDTH = 50


class ActivityLine(Widget):
    """Shows `activity`, nothing while there is none. Without animations it stands still but for the seconds."""

    activity: var[Activity | None] = var(None)

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self._tick: Timer | None = None

    @property
    def is_still(self) -> bool:
        """Whether people asked for less motion (TEXTUAL_ANIMATIONS=none, or the application's `animation_level`)."""
        return self.app.animation_level == "none"

    def watch_activity(self, before: Activity | None, activity: Activity | None) -> None:
        self.display = activity is not None
        if activity is not None and self._tick is None:
            self._tick = self.set_interval(1.0 if self.is_still else FRAME_S, self.refresh)
        elif activity is None and self._tick is not None:
            self._tick.stop()
            self._tick = None
        if activity != before:
            self.refresh()

    def render(self) -> Content:
        if self.activity is None:
            return Content("")
        now = time.monotonic()
        mark = _STILL if self.is_still else _FRAMES[int(now / FRAME_S) % len(_FRAMES)]
        return Content.assemble(Content.styled(mark, "$primary"), " ", told(self.activity, now, self.size.width - 2))


def told(activity: Activity, now: float, width: int) -> Content:
    """The line without its mark, in `width` cells: the tool's title gives way first, the way out never does."""
    kind = Content(text(f"activity.{activity.kind}"))
    tail = [seconds(now - activity.since), text("activity.interrupt")]
    if activity.tokens and width >= _MIN_TOKENS_WIDTH:
        tail.insert(1, text("activity.tokens", count=count(activity.tokens)))
    rest = Content(f" · {' · '.join(tail)}")
    left = width - kind.cell_length - rest.cell_length - 1
    detail = f" {one_line(activity.detail, left)}" if activity.detail and left >= 8 else ""
    return Content.assemble(kind, Content.styled(detail, "$foreground"), Content.styled(rest.plain, "$thinking"))
