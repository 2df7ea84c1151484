import unittest
from datetime import date

from duebook.bills import Bill, Payment, due_between, total
from duebook.schedule import Rule

PAPER = Bill("Paper", 1290, date(2025, 1, 6), Rule(1, "week"))
WATER = Bill("Water", 8410, date(2025, 1, 6), Rule(3, "month"))
PIANO = Bill("Piano tuner", 9000, date(2025, 1, 20))


class DueBetweenTest(unittest.TestCase):
    def test_leaves_out_what_was_due_before(self):
        payments = due_between([PAPER, PIANO], date(2025, 1, 14), date(2025, 1, 20))
        self.assertEqual([payment.name for payment in payments], ["Paper", "Piano tuner"])

    def test_sorts_by_day_and_then_by_name(self):
        payments = due_between([WATER, PAPER], date(2025, 1, 1), date(2025, 1, 13))
        self.assertEqual(
            payments,
            [
                Payment(date(2025, 1, 6), "Paper", 1290),
                Payment(date(2025, 1, 6), "Water", 8410),
                Payment(date(2025, 1, 13), "Paper", 1290),
            ],
        )

    def test_both_ends_belong_to_the_period(self):
        self.assertEqual(len(due_between([PAPER], date(2025, 1, 6), date(2025, 1, 13))), 2)


class TotalTest(unittest.TestCase):
    def test_adds_up(self):
        self.assertEqual(total(due_between([PAPER, WATER], date(2025, 1, 1), date(2025, 1, 13))), 10990)

    def test_nothing_costs_nothing(self):
        self.assertEqual(total([]), 0)
