"""How far the start of an engine on this machine has come."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loading:
    """One phase of a start."""

    title: str
    """What goes on, in English."""
    step: int
    """The number of the phase, from 0."""
    steps: int
    """How many there are; the last is that the server is ready. A start may leave some out."""
    fraction: float | None = None
    """How much of the phase is done, 0 to 1, where that is known."""

    @property
    def done(self) -> bool:
        """Whether the engine answers."""
        return self.step == self.steps - 1

    @property
    def share(self) -> float:
        """How much of the whole is done, every phase counted alike."""
        return 1.0 if self.done else (self.step + (self.fraction or 0.0)) / (self.steps - 1)


Watch = Callable[[Loading], None]
"""Whoever shows it. Called from the event loop."""
