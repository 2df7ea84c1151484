"""The CSV file that bills are kept in."""

import csv
from datetime import date
from pathlib import Path
from typing import List

from duebook.bills import Bill
from duebook.money import parse_amount
from duebook.schedule import parse_rule

COLUMNS = ["name", "amount", "first", "repeats"]


def load_bills(path: Path) -> List[Bill]:
    """The bills of a CSV file. Raises ValueError that names the line where one cannot be read."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != COLUMNS:
            raise ValueError(f"{path}: the first line must be {','.join(COLUMNS)}")
        bills = []
        for row in rows:
            try:
                bills.append(bill_from_row(row))
            except (ValueError, AttributeError, TypeError) as error:
                raise ValueError(f"{path}, line {rows.line_num}: {error}") from error
        return bills


def bill_from_row(row: dict) -> Bill:
    """One bill from the cells of its line."""
    return Bill(
        name=row["name"].strip(),
        cents=parse_amount(row["amount"]),
        first=date.fromisoformat(row["first"].strip()),
        rule=parse_rule(row["repeats"]),
    )
