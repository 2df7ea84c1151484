"""The repository that is opened, and what the endpoint answers about it."""

import os
from pathlib import Path

from tests.e2e.place import call

TEST = "import unittest\n\nimport calc\n\n\nclass CalcTest(unittest.TestCase):\n    def test_{0}(self):\n        {1}\n"
FILES = {
    "calc.py": "def add(a, b):\n    return a - b\n\n\ndef negated(a):\n    return a\n",
    "tests/__init__.py": "",
    "tests/test_add.py": TEST.format("add", "self.assertEqual(calc.add(1, 2), 3)"),
    "tests/test_negated.py": TEST.format("negated", "self.assertEqual(calc.negated(1), -1)"),
}
FIX_ADD = call("edit", path="calc.py", old="a - b", new="a + b")
FIX_NEGATED = call("edit", path="calc.py", old="return a\n", new="return -a\n")
HANGS = call("shell", command="sleep 3003")
PICTURES = Path(os.environ["GLMCODE_PICTURES"]) if "GLMCODE_PICTURES" in os.environ else None
"""Settled on import: tests get an environment of their own."""
