"""A unified diff as lines with numbers and colours."""

import re

from glmcode.tui.transcript.lines import Line, Run, flow, indent

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,\d+)? \+(\d{1,9})(?:,\d+)? @@")
_TAB = 4


def diff_lines(diff: str, width: int) -> list[Line]:
    """The clean text of a unified diff of one file; without its file names, which are told beside it."""
    found: list[Line] = []
    old = new = 0
    seen_hunk = False
    digits = max((len(number) for hunk in _HUNK.findall(diff) for number in hunk), default=1) + 1
    for each in diff.split("\n"):
        if hunk := _HUNK.match(each):
            if seen_hunk:
                found.append(Line((Run("⋯".rjust(digits), "gutter"),)))
            old, new, seen_hunk = int(hunk[1]), int(hunk[2]), True
            continue
        if not seen_hunk or not each:
            continue
        match each[0]:
            case "+":
                found += _numbered(new, "+", each[1:], "added", digits, width)
                new += 1
            case "-":
                found += _numbered(old, "-", each[1:], "removed", digits, width)
                old += 1
            case " ":
                found += _numbered(new, " ", each[1:], "", digits, width)
                old, new = old + 1, new + 1
            case _:  # "\ No newline at end of file", and what clipping left instead of lines
                found += flow([Run(each, "dim")], width)
    return found


def _numbered(number: int, sign: str, text: str, style: str, digits: int, width: int) -> list[Line]:
    lines = flow([Run(text.expandtabs(_TAB), style)], width - digits - 3, words=False, fill=style)
    gutter = f"gutter {style}".strip()
    first = Run(f"{str(number).rjust(digits)} {sign} ", gutter)
    return indent(lines, (first,), (Run(" " * (digits + 3), gutter),))
