"""Walking through a review: which hunk is before the reader, what was decided, and the way back."""

from collections.abc import Callable, Iterable

from glmcode.review.decisions import Decision, Decisions
from glmcode.review.hunks import Hunk, Review, ReviewFile


class Course:
    """Decisions, a place among the hunks, and what was decided before. Knows no screen."""

    def __init__(self, review: Review) -> None:
        self.decisions = Decisions(review)
        self.hunks: list[tuple[ReviewFile, Hunk]] = list(review.hunks())
        self.at = 0
        self.decided = 0
        """How many hunks have a decision."""
        self._past: list[tuple[int, list[tuple[str, Decision | None]]]] = []
        self._first: dict[str, int] = {}
        for number, (file, _) in enumerate(self.hunks):
            self._first.setdefault(file.path, number)

    @property
    def file(self) -> ReviewFile:
        """The file before the reader. There must be one."""
        return self.hunks[self.at][0]

    @property
    def hunk(self) -> Hunk:
        return self.hunks[self.at][1]

    def step(self, by: int) -> None:
        """To another hunk; the ends are ends."""
        self.at = min(max(self.at + by, 0), len(self.hunks) - 1)

    def to_file(self, path: str) -> None:
        """To the first hunk of a file."""
        self.at = self._first[path]

    def decide(self, decision: Decision) -> None:
        """On this hunk; the next one without a decision comes before the reader. Raises ReviewError."""
        self._decide([self.hunk.id], lambda: self.decisions.decide(self.hunk.id, decision))
        self._go_on()

    def decide_file(self, decision: Decision) -> None:
        """On all hunks of this file. Raises ReviewError."""
        file = self.file
        self._decide([hunk.id for hunk in file.hunks], lambda: self.decisions.file(file.path, decision))
        self.at = self._first[file.path] + len(file.hunks) - 1
        self._go_on()

    def decide_all(self, decision: Decision) -> None:
        """On every hunk that has no decision, or on all where each has one. Raises ReviewError."""
        rest = self.decisions.undecided
        ids = rest or tuple(hunk.id for _, hunk in self.hunks)
        self._decide(ids, lambda: self.decisions.all(decision, undecided_only=bool(rest)))

    def undo(self) -> bool:
        """Take the last decision back, and show the hunk it was on; False where there is none."""
        if not self._past:
            return False
        self.at, before = self._past.pop()
        for hunk_id, decision in before:
            self.decisions.decide(hunk_id, decision)
        self.decided = len(self.hunks) - len(self.decisions.undecided)
        return True

    def decided_of(self, file: ReviewFile) -> int:
        """How many hunks of a file have a decision."""
        return sum(self.decisions.of(hunk.id) is not None for hunk in file.hunks)

    def _decide(self, ids: Iterable[str], do: Callable[[], None]) -> None:
        before = [(hunk_id, self.decisions.of(hunk_id)) for hunk_id in ids]
        do()
        self._past.append((self.at, before))
        self.decided += sum(was is None for _, was in before)

    def _go_on(self) -> None:
        """To the next hunk without a decision, from here on and then from the beginning."""
        count = len(self.hunks)
        for distance in range(1, count + 1):
            at = (self.at + distance) % count
            if self.decisions.of(self.hunks[at][1].id) is None:
                self.at = at
                return
