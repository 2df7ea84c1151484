"""Bills, and what of them falls due in a period."""

from dataclasses import dataclass
from datetime import date
from typing import Iterable, List, Optional

from duebook.schedule import Rule, occurrences


@dataclass(frozen=True)
class Bill:
    """Something to pay: once, or again and again."""

    name: str
    cents: int
    first: date
    rule: Optional[Rule] = None


@dataclass(frozen=True)
class Payment:
    """One bill on the day it is due."""

    day: date
    name: str
    cents: int


def due_between(bills: Iterable[Bill], start: date, end: date) -> List[Payment]:
    """The payments from `start` to `end`, both included, by day and then by name."""
    payments = [
        Payment(day, bill.name, bill.cents)
        for bill in bills
        for day in occurrences(bill.first, bill.rule, end)
        if day >= start
    ]
    return sorted(payments, key=lambda payment: (payment.day, payment.name))


def total(payments: Iterable[Payment]) -> int:
    """What the payments come to, in cents."""
    return sum(payment.cents for payment in payments)
