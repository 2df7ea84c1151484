"""Repetition rules, and the dates they give."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Iterator, Optional

NAMED = {"daily": (1, "day"), "weekly": (1, "week"), "monthly": (1, "month"), "yearly": (1, "year")}
EVERY = re.compile(r"every (\d+) (day|week|month|year)s?")


@dataclass(frozen=True)
class Rule:
    """Repeat every `count` units; a unit is day, week, month or year."""

    count: int
    unit: str

    def advance(self, day: date, times: int = 1) -> date:
        """The date `times` repetitions after `day`."""
        steps = self.count * times
        if self.unit == "day":
            return day + timedelta(days=steps)
        if self.unit == "week":
            return day + timedelta(weeks=steps)
        return add_months(day, steps * 12 if self.unit == "year" else steps)


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of that month where it is too short."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def parse_rule(text: str) -> Optional[Rule]:
    """The rule that `monthly`, `every 2 weeks` and the like stand for; None for `once`. Raises ValueError."""
    words = " ".join(text.lower().split())
    if words == "once":
        return None
    if words in NAMED:
        return Rule(*NAMED[words])
    match = EVERY.fullmatch(words)
    if match is None or int(match.group(1)) == 0:
        raise ValueError(f"not a rule: {text!r}")
    return Rule(int(match.group(1)), match.group(2))


def occurrences(first: date, rule: Optional[Rule], until: date) -> Iterator[date]:
    """All dates from `first` to `until`, both included, in order."""
    day = first
    while day <= until:
        yield day
        if rule is None:
            return
        day = rule.advance(day)
