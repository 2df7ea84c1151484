import unittest
from datetime import date

from duebook.schedule import Rule, add_months, occurrences, parse_rule


class ParseRuleTest(unittest.TestCase):
    def test_reads_named_rules(self):
        self.assertEqual(parse_rule("Monthly"), Rule(1, "month"))
        self.assertEqual(parse_rule("yearly"), Rule(1, "year"))

    def test_reads_counted_rules(self):
        self.assertEqual(parse_rule("every 2 weeks"), Rule(2, "week"))
        self.assertEqual(parse_rule(" every  1 day "), Rule(1, "day"))

    def test_once_is_no_rule(self):
        self.assertIsNone(parse_rule("once"))

    def test_refuses_what_would_never_move_on(self):
        for text in ("every 0 days", "sometimes", ""):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_rule(text)


class AddMonthsTest(unittest.TestCase):
    def test_crosses_the_year(self):
        self.assertEqual(add_months(date(2024, 11, 15), 3), date(2025, 2, 15))

    def test_ends_with_a_shorter_month(self):
        self.assertEqual(add_months(date(2025, 1, 31), 1), date(2025, 2, 28))
        self.assertEqual(add_months(date(2024, 1, 31), 1), date(2024, 2, 29))


class OccurrencesTest(unittest.TestCase):
    def test_once_comes_once(self):
        self.assertEqual(list(occurrences(date(2025, 3, 1), None, date(2025, 12, 31))), [date(2025, 3, 1)])

    def test_nothing_is_due_before_the_first_day(self):
        self.assertEqual(list(occurrences(date(2025, 3, 1), Rule(1, "day"), date(2025, 2, 28))), [])

    def test_every_two_weeks(self):
        days = list(occurrences(date(2025, 1, 6), Rule(2, "week"), date(2025, 2, 3)))
        self.assertEqual(days, [date(2025, 1, 6), date(2025, 1, 20), date(2025, 2, 3)])

    def test_monthly_keeps_its_day(self):
        days = list(occurrences(date(2025, 1, 15), Rule(1, "month"), date(2025, 4, 14)))
        self.assertEqual(days, [date(2025, 1, 15), date(2025, 2, 15), date(2025, 3, 15)])

    def test_month_end_comes_back_after_a_short_month(self):
        days = list(occurrences(date(2025, 1, 31), Rule(1, "month"), date(2025, 5, 31)))
        self.assertEqual([day.day for day in days], [31, 28, 31, 30, 31])
