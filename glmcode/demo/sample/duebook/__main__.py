"""The command: print what falls due in a period."""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import List, Optional

from duebook.bills import due_between, total
from duebook.money import format_amount
from duebook.store import load_bills


def main(arguments: Optional[List[str]] = None) -> int:
    """Print the payments of a period; 2 when the file cannot be read."""
    parser = argparse.ArgumentParser(prog="duebook", description="Which bills fall due, and when.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--from", dest="start", type=date.fromisoformat, required=True, metavar="DATE")
    parser.add_argument("--to", dest="end", type=date.fromisoformat, required=True, metavar="DATE")
    options = parser.parse_args(arguments)
    try:
        payments = due_between(load_bills(options.file), options.start, options.end)
    except (OSError, ValueError) as error:
        print(f"duebook: {error}", file=sys.stderr)
        return 2
    for payment in payments:
        print(f"{payment.day}  {format_amount(payment.cents):>10}  {payment.name}")
    print(f"{'':10}  {format_amount(total(payments)):>10}  in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
