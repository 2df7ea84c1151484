"""The conversation laid out for one width: heights of all entries, estimated until somebody looks, and some lines."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from textual.strip import Strip

from glmcode.tui.transcript.entries import Answer, Entry, Thinking
from glmcode.tui.transcript.entry_lines import entry_lines, estimate, folds, is_tight, opened_at_first
from glmcode.tui.transcript.lines import Line
from glmcode.tui.transcript.markdown import MarkdownLines

KEPT = 256
"""How many entries keep their lines, and how many lines of an entry what was drawn; others are made again in view."""
WHOLE_CHARS = 100_000
"""A longer answer stays as it was rendered while it streamed in."""
_MIN_WIDTH = 10


@dataclass(slots=True)
class Laid:
    """An entry laid out."""

    lines: list[Line]
    markdown: MarkdownLines | None
    current: bool = True
    """False: the entry has changed since."""
    strips: dict[int, Strip] = field(default_factory=dict)
    """What was drawn of it, by line; whoever draws keeps it here."""

    def keep(self, number: int, strip: Strip) -> Strip:
        """Remember what was drawn of a line; not of all lines of a long entry."""
        if len(self.strips) >= KEPT:
            self.strips.clear()
        self.strips[number] = strip
        return strip

    def keep_strips(self, before: "Laid") -> None:
        """Take what was drawn of the lines that are as they were."""
        for number, strip in before.strips.items():
            if number < len(self.lines) and self.lines[number] == before.lines[number]:
                self.strips[number] = strip


class Page:
    """Positions count lines from 0 at the top of the whole conversation."""

    def __init__(self, entries: Sequence[Entry], width: int, folding: dict[int, bool] | None = None) -> None:
        self.entries = entries
        self.width = max(_MIN_WIDTH, width)
        self.folding = {} if folding is None else folding
        """Whether an entry is open, where the reader said so."""
        self._heights: list[int] = []
        self._exact = bytearray()
        self._tops: list[int] = [0]
        self._tops_to = 0
        """So many of the tops are right."""
        self._laid: OrderedDict[int, Laid] = OrderedDict()
        self.extend()

    def __len__(self) -> int:
        return len(self._heights)

    @property
    def height(self) -> int:
        """Of the whole conversation."""
        return self.top(len(self._heights))

    def extend(self) -> None:
        """Take in entries that joined."""
        for index in range(len(self._heights), len(self.entries)):
            self._heights.append(self._estimate(index))
            self._exact.append(0)

    def change(self, indexes: Iterable[int]) -> None:
        """Entries have changed; unknown ones among them have joined."""
        known = len(self._heights)
        self.extend()
        for index in indexes:
            if index < known:
                self._spoil(index)
                if index + 1 < known and self.gap(index + 1) != self._heights[index + 1]:
                    self._spoil(index + 1)  # it may need an empty line now, or none

    def _spoil(self, index: int) -> None:
        self._exact[index] = 0
        if (laid := self._laid.get(index)) is not None:
            laid.current = False
        else:
            self._set_height(index, self._estimate(index))

    def top(self, index: int) -> int:
        """The position of the first line of an entry (its empty line included)."""
        if index > self._tops_to:
            start = self._tops_to
            del self._tops[start + 1 :]
            self._tops[start:] = accumulate(self._heights[start:], initial=self._tops[start])
            self._tops_to = len(self._heights)
        return self._tops[index]

    def locate(self, position: int) -> tuple[int, int]:
        """The entry at a position and the line in it; the last line of all beyond the end. (0, 0) in an empty one."""
        height = self.height
        position = max(0, min(position, height - 1))
        index = max(0, bisect_right(self._tops, position, 0, len(self._heights) + 1) - 1)
        return index, position - self._tops[index]

    def is_exact(self, index: int) -> bool:
        return bool(self._exact[index])

    def entry_height(self, index: int) -> int:
        return self._heights[index]

    def gap(self, index: int) -> int:
        """How many empty lines are above an entry."""
        if index == 0:
            return 0
        return 0 if is_tight(self.entries[index]) and is_tight(self.entries[index - 1]) else 1

    def is_open(self, index: int) -> bool:
        entry = self.entries[index]
        return folds(entry) and self.folding.get(index, opened_at_first(entry))

    def fold(self, index: int, opened: bool | None) -> None:
        """Open or close an entry; None: as it would be by itself."""
        if opened is None:
            self.folding.pop(index, None)
        else:
            self.folding[index] = opened
        self._laid.pop(index, None)
        self._spoil(index)

    def lay(self, index: int) -> Laid:
        """An entry's lines, with its empty line; its height is exact from then on."""
        laid = self._laid.get(index)
        if laid is None or not laid.current:
            before, laid = laid, self._lay(index, laid)
            self._laid[index] = laid
            if before is not None:
                laid.keep_strips(before)
        self._laid.move_to_end(index)
        while len(self._laid) > KEPT:
            self._laid.popitem(last=False)
        return laid

    def forget_strips(self) -> None:
        """Colours or the selection changed: what was drawn is not right any more."""
        for laid in self._laid.values():
            laid.strips.clear()

    def forget_strips_of(self, index: int) -> None:
        if (laid := self._laid.get(index)) is not None:
            laid.strips.clear()

    def _lay(self, index: int, before: Laid | None) -> Laid:
        entry = self.entries[index]
        opened = self.is_open(index)
        markdown = before.markdown if before else None
        match entry:
            case Answer():
                markdown = self._markdown(markdown, entry.body.text, self.width, done=entry.done)
            case Thinking() if opened:
                markdown = self._markdown(markdown, entry.body.text, self.width - 2, done=entry.done)
        lines = entry_lines(entry, self.width, opened=opened, markdown=markdown)
        if lines:
            lines = [Line()] * self.gap(index) + lines
        self._exact[index] = 1
        self._set_height(index, len(lines))
        return Laid(lines, markdown)

    @staticmethod
    def _markdown(before: MarkdownLines | None, text: str, width: int, *, done: bool) -> MarkdownLines:
        """What was rendered before, unless the text is another one or may be rendered better now that it is whole."""
        if before is None or not before.grows_to(text):
            return MarkdownLines(width)
        return MarkdownLines(width) if done and before.in_pieces and len(text) <= WHOLE_CHARS else before

    def _estimate(self, index: int) -> int:
        lines = estimate(self.entries[index], self.width)
        return lines + self.gap(index) if lines else 0

    def _set_height(self, index: int, height: int) -> None:
        if self._heights[index] != height:
            self._heights[index] = height
            self._tops_to = min(self._tops_to, index)
