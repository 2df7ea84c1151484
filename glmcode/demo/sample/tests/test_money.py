import unittest

from duebook.money import format_amount, parse_amount


class ParseAmountTest(unittest.TestCase):
    def test_reads_cents(self):
        self.assertEqual(parse_amount("84.10"), 8410)
        self.assertEqual(parse_amount(" 84.1 "), 8410)
        self.assertEqual(parse_amount("3"), 300)

    def test_reads_thousands(self):
        self.assertEqual(parse_amount("1,250.00"), 125000)
        self.assertEqual(parse_amount("1250"), 125000)

    def test_keeps_the_sign_of_amounts_below_one(self):
        self.assertEqual(parse_amount("-0.50"), -50)

    def test_refuses_what_is_not_an_amount(self):
        for text in ("", "ten", "1.234", "1,25.00", "12,", "1e3"):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_amount(text)


class FormatAmountTest(unittest.TestCase):
    def test_groups_thousands(self):
        self.assertEqual(format_amount(125000), "1,250.00")

    def test_shows_negative_amounts(self):
        self.assertEqual(format_amount(-50), "-0.50")
        self.assertEqual(format_amount(-125005), "-1,250.05")
