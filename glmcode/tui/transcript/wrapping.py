"""Where a text is broken into lines of so many terminal cells."""

from rich.cells import cell_len, split_graphemes

Span = tuple[int, int]
"""Where a line begins and ends in its text."""

_NOT_FIRST = frozenset("，。、；：？！）」』】》〉…％·ー々〕］｝")
_NOT_LAST = frozenset("（「『【《〈〔［｛")


def wrap(text: str, width: int) -> list[Span]:
    """Lines of at most `width` cells, broken at spaces and between wide characters, words only where they must be.

    The spaces at a break belong to no line. `text` has no line feeds. A character wider than `width` stands alone.
    """
    width = max(1, width)
    if len(text) <= width and (text.isascii() or cell_len(text) <= width):
        return [(0, len(text))]
    return _wrap_ascii(text, width) if text.isascii() else _wrap_wide(text, width)


def chop(text: str, width: int) -> list[Span]:
    """Lines of at most `width` cells, broken wherever they are full; for code and output."""
    width = max(1, width)
    if len(text) <= width and (text.isascii() or cell_len(text) <= width):
        return [(0, len(text))]
    if text.isascii():
        return [(start, min(start + width, len(text))) for start in range(0, len(text), width)]
    spans: list[Span] = []
    start = used = 0
    for begin, _, cells in split_graphemes(text)[0]:
        if used + cells > width and begin > start:
            spans.append((start, begin))
            start, used = begin, 0
        used += cells
    return [*spans, (start, len(text))]


def _wrap_ascii(text: str, width: int) -> list[Span]:
    spans: list[Span] = []
    start, length = 0, len(text)
    while length - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        if cut <= start or text[start:cut].isspace():
            spans.append((start, start + width))
            start += width
            continue
        end = cut
        while text[end - 1] == " ":
            end -= 1
        spans.append((start, end))
        start = cut
        while start < length and text[start] == " ":
            start += 1
    return [*spans, (start, length)] if start < length or not spans else spans


def _wrap_wide(text: str, width: int) -> list[Span]:
    spans: list[Span] = []
    start = used = 0
    end, resume, used_at_resume = -1, -1, 0
    """The last place to break: where the line ends, where the next begins, and the cells up to there."""
    wide_before = False
    for begin, _, cells in split_graphemes(text)[0]:
        char = text[begin]
        is_wide = cells > 1
        if begin > start and char != " " and _may_break(text[begin - 1], char, wide_before, is_wide):
            end, resume, used_at_resume = len(text[start:begin].rstrip(" ")) + start, begin, used
        while used + cells > width and begin > start and char != " ":
            if resume <= start or end <= start:
                end, resume, used_at_resume = begin, begin, used
            spans.append((start, end))
            start, used = resume, used - used_at_resume
            resume = -1
        used += cells
        wide_before = is_wide
    return [*spans, (start, len(text.rstrip(" ")) if spans else len(text))]


def _may_break(before: str, after: str, wide_before: bool, wide_after: bool) -> bool:
    if before == " ":
        return True
    return (wide_before or wide_after) and after not in _NOT_FIRST and before not in _NOT_LAST
