"""The status line: one line, as much of it as fits, drawn anew only when something in it changes."""

import time

from textual.content import Content
from textual.reactive import var
from textual.timer import Timer
from textual.widget import Widget

from glmcode.tui.status.parts import line
from glmcode.tui.status.values import Status


class StatusLine(Widget):
    """Shows `status`; while a turn runs its seconds tick, otherwise nothing wakes it."""

    status: var[Status | None] = var(None)

    def __init__(self) -> None:
        super().__init__()
        self._tick: Timer | None = None

    def watch_status(self, before: Status | None, status: Status | None) -> None:
        runs = status is not None and status.running_since is not None
        if runs and self._tick is None:
            self._tick = self.set_interval(1.0, self.refresh)
        elif not runs and self._tick is not None:
            self._tick.stop()
            self._tick = None
        if status != before:
            self.refresh()

    def render(self) -> Content:
        return Content("") if self.status is None else line(self.status, time.monotonic(), self.size.width)
