"""The repository that is opened, and what the endpoint answers about it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.place import call
from tests.simulated import SimulatedEndpoint


@dataclass(frozen=True, slots=True)
class Endpoint:
    server: SimulatedEndpoint
    answers: list[Any]
    """What it answers, in order; may grow."""

    def asked(self, number: int) -> str:
        """The user's message of a request."""
        messages = self.server.requests[number].body["messages"]
        return str(next(each["content"] for each in reversed(messages) if each["role"] == "user"))


TEST = "import unittest\n\nimport calc\n\n\nclass CalcTest(unittest.TestCase):\n    def test_{0}(self):\n        {1}\n"
ODD = """x = "it's $HOME, `ls`, %PATH%, ${file} and \\\\"\n\n'''\n\"two\" lines\n'''"""
FILES = {
    "calc.py": "def add(a, b):\n    return a - b\n\n\ndef negated(a):\n    return a\n",
    "odd.py": ODD,
    "tests/__init__.py": "",
    "tests/test_add.py": TEST.format("add", "self.assertEqual(calc.add(1, 2), 3)"),
    "tests/test_negated.py": TEST.format("negated", "self.assertEqual(calc.negated(1), -1)"),
}
FIX_ADD = call("edit", path="calc.py", old="a - b", new="a + b")
FIX_NEGATED = call("edit", path="calc.py", old="return a\n", new="return -a\n")
HANGS = call("shell", command="sleep 3003")
PICTURES = Path(os.environ["GLMCODE_PICTURES"]) if "GLMCODE_PICTURES" in os.environ else None
"""Settled on import: tests get an environment of their own."""
