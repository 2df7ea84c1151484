"""Lines of the conversation before they have colours: runs of text, each with the names of its styles."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from glmcode.tui.transcript.wrapping import Span, chop, wrap


class Run(NamedTuple):
    text: str
    style: str = ""
    """Names of component classes without their prefix, separated by spaces; the later wins."""


class Line(NamedTuple):
    """One line on screen."""

    runs: tuple[Run, ...] = ()
    lead: tuple[Run, ...] = ()
    """Decoration before the text; it is not copied."""
    fill: str = ""
    """Style under the whole line, up to the right edge."""
    joins: str | None = None
    """What stood between the line before and this one, where both are one line of the source; else None."""

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    @property
    def lead_chars(self) -> int:
        return sum(len(run.text) for run in self.lead)


def line(text: str, style: str = "", *, lead: str = "", lead_style: str = "", fill: str = "") -> Line:
    return Line((Run(text, style),) if text else (), (Run(lead, lead_style),) if lead else (), fill)


def flow(runs: Sequence[Run], width: int, *, words: bool = True, fill: str = "") -> list[Line]:
    """One line of the source on as many lines of `width` cells as it takes."""
    text = "".join(run.text for run in runs)
    spans = wrap(text, width) if words else chop(text, width)
    if len(spans) == 1:
        return [Line(tuple(run for run in runs if run.text), fill=fill)]
    lines = []
    before = 0
    for number, (span, cut) in enumerate(zip(spans, _cut(runs, spans), strict=True)):
        lines.append(Line(cut, fill=fill, joins=text[before : span[0]] if number else None))
        before = span[1]
    return lines


def indent(lines: Iterable[Line], first: Sequence[Run], rest: Sequence[Run]) -> list[Line]:
    """`first` before the first line, `rest` before the others, as decoration."""
    return [each._replace(lead=(*(rest if number else first), *each.lead)) for number, each in enumerate(lines)]


def cells(runs: Iterable[Run]) -> int:
    return sum(cell_len(run.text) for run in runs)


def _cut(runs: Sequence[Run], spans: Sequence[Span]) -> list[tuple[Run, ...]]:
    """The runs of each of some spans, which do not overlap and come in order."""
    found: list[tuple[Run, ...]] = []
    number = begin = 0
    for start, end in spans:
        pieces: list[Run] = []
        while number < len(runs):
            text, style = runs[number]
            if begin + len(text) > start and begin < end:
                pieces.append(Run(text[max(0, start - begin) : end - begin], style))
            if begin + len(text) > end:
                break
            begin += len(text)
            number += 1
        found.append(tuple(pieces))
    return found
