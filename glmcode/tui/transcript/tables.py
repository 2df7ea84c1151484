"""Tables as lines: columns as wide as they need and as the width allows, or one row below the other."""

from collections.abc import Sequence

from glmcode.tui.transcript.lines import Line, Run, cells, flow

MIN_COLUMN = 6
"""Where a column would get narrower, the rows are listed instead."""
_GAP = " │ "

Cell = Sequence[Run]


def table_lines(rows: Sequence[Sequence[Cell]], width: int) -> list[Line]:
    """A table whose first row is its head."""
    if not rows or not rows[0]:
        return []
    natural = [max(cells(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    room = width - len(_GAP) * (len(natural) - 1)
    widths = _shares(natural, room)
    if widths is None:
        return _listed(rows, width)
    found = _row([[Run(run.text, f"{run.style} strong".strip()) for run in cell] for cell in rows[0]], widths)
    found.append(Line((Run("─┼─".join("─" * each for each in widths), "rule"),)))
    for row in rows[1:]:
        found += _row(row, widths)
    return found


def _shares(natural: Sequence[int], room: int) -> list[int] | None:
    """Widths of columns that fit into `room`: the widest give first. None: they would get too narrow."""
    widths = [max(1, each) for each in natural]
    if sum(min(each, MIN_COLUMN) for each in widths) > room:
        return None
    while sum(widths) > room:
        widest = max(widths)
        second = max((each for each in widths if each < widest), default=0)
        count = widths.count(widest)
        cut = min(widest - max(second, MIN_COLUMN), -(-(sum(widths) - room) // count))
        widths = [each - cut if each == widest else each for each in widths]
    return widths


def _row(row: Sequence[Cell], widths: Sequence[int]) -> list[Line]:
    columns = [flow(cell, each) for cell, each in zip(row, widths, strict=False)]
    columns += [[Line()]] * (len(widths) - len(columns))
    found = []
    for number in range(max(map(len, columns))):
        runs: list[Run] = []
        for position, (column, each) in enumerate(zip(columns, widths, strict=True)):
            shown = column[number].runs if number < len(column) else ()
            runs += [Run(_GAP, "rule")] if position else []
            runs += shown
            if position < len(widths) - 1:
                runs.append(Run(" " * (each - cells(shown))))
        found.append(Line(tuple(run for run in runs if run.text)))
    return found


def _listed(rows: Sequence[Sequence[Cell]], width: int) -> list[Line]:
    """Every row as lines of `head: value`."""
    head = rows[0]
    found: list[Line] = []
    for row in rows[1:] or [()]:
        found += [Line()] if found else []
        for name, value in zip(head, row or [()] * len(head), strict=False):
            runs = [*(Run(run.text, f"{run.style} strong".strip()) for run in name), Run(": "), *value]
            found += flow(runs, width)
    return found
