import contextlib
import io
import tempfile
import unittest
from datetime import date
from pathlib import Path

from duebook.__main__ import main
from duebook.bills import Bill
from duebook.schedule import Rule
from duebook.store import load_bills


class StoreTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "bills.csv")

    def test_reads_bills(self):
        self.path.write_text('name,amount,first,repeats\n"Rent, flat","1,250.00",2025-01-15,monthly\n', encoding="utf-8")
        self.assertEqual(load_bills(self.path), [Bill("Rent, flat", 125000, date(2025, 1, 15), Rule(1, "month"))])

    def test_names_the_line_that_cannot_be_read(self):
        self.path.write_text("name,amount,first,repeats\nRent,1,2025-01-15,once\nPaper,ten,2025-01-06,weekly\n")
        with self.assertRaisesRegex(ValueError, "line 3: not an amount"):
            load_bills(self.path)

    def test_a_line_with_missing_cells_is_an_error(self):
        self.path.write_text("name,amount,first,repeats\nRent,1\n")
        with self.assertRaisesRegex(ValueError, "line 2"):
            load_bills(self.path)

    def test_the_command_prints_what_is_due(self):
        self.path.write_text("name,amount,first,repeats\nPaper,12.90,2025-01-06,weekly\n")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = main([str(self.path), "--from", "2025-02-01", "--to", "2025-02-14"])
        self.assertEqual(code, 0)
        self.assertEqual(
            output.getvalue().splitlines(),
            ["2025-02-03       12.90  Paper", "2025-02-10       12.90  Paper", "                 25.80  in all"],
        )

    def test_the_command_refuses_a_file_it_does_not_know(self):
        self.path.write_text("a,b\n1,2\n")
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(main([str(self.path), "--from", "2025-02-01", "--to", "2025-02-14"]), 2)
        self.assertIn("first line must be", errors.getvalue())
