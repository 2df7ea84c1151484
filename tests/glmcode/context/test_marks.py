"""What a mark says of the lines that are left out."""

from pathlib import Path

from glmcode.context.pack import pack
from tests.glmcode.context.conftest import Write


def method(name: str, lines: int = 30) -> str:
    return f"    def {name}(self):\n" + "        self.value += 1\n" * lines + "\n"


def test_methods_whose_class_is_left_out_are_said_to_stand_in_it(repo: Path, write: Write) -> None:
    others = "".join(f"def step_{n}(order):\n" + "    order += 1\n" * 12 + "\n\n" for n in range(8))
    head = "class Ledger(Base):\n" + "    # what is kept\n" * 12 + "\n"
    body = "".join(method(f"very_long_name_of_a_method_{n}") for n in range(6))
    write({"shop.py": f"import os\n\n\n{others}{head}{body}{method('refund')}{body}{method('credit')}"})
    packed = pack(repo, "refund is wrong", 500)
    lines = packed.text.split("\n")
    marks = [line.split(": ", 1)[1] for line in lines if line.startswith("... lines ") and ": " in line]
    assert marks[0].endswith("then in Ledger")
    assert lines[next(at for at, line in enumerate(lines) if "then in Ledger" in line) + 1].startswith("    def refund")
    # Long names do not keep a mark from saying anything.
    assert marks[1] == "7 definitions"
