"""What a mark says of the lines that are left out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.deltas import deltas, known_files
from glmcode.context.index.pieces import Piece
from glmcode.context.marks import MAX_SIGNATURE_LINES, signature
from glmcode.context.pack import pack
from glmcode_engine.ranks import cl100k
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


LEDGER = """import os

LIMIT = 3


@cached(key="total")
# Adds what was paid.
def total(
    orders,
    rate=1.0,
):
    return sum(orders) * rate


class Ledger(Base):
    kept = 1

    def refund(self, order):
        return order
"""


@pytest.mark.parametrize(
    ("piece", "lines"),
    [
        (Piece(6, 13, "total", ""), (8, 11)),
        (Piece(14, 17, "Ledger", ""), (15, 15)),
        (Piece(18, 19, "refund", "Ledger"), (18, 18)),
        (Piece(1, 3, "", ""), (1, 1)),
        (Piece(15, 19, "missing", ""), None),
        (Piece(18, 400, "refund", "Ledger"), (18, 18)),
    ],
)
def test_a_signature_is_where_the_name_stands_until_its_brackets_close(
    piece: Piece, lines: tuple[int, int] | None
) -> None:
    assert signature(LEDGER.split("\n"), piece) == lines


@given(st.text("(f)\n #@x", max_size=200), st.integers(1, 30), st.integers(0, 40))
def test_a_signature_lies_in_its_piece_whatever_the_text(text: str, first: int, more: int) -> None:
    lines = text.split("\n")
    found = signature(lines, Piece(first, first + more, "f", ""))
    if found is not None:
        assert first <= found[0] <= found[1] <= min(first + more, len(lines))
        assert found[1] - found[0] < MAX_SIGNATURE_LINES


def large_file(name: str = "shop") -> str:
    def step(number: int) -> str:
        head = f"def step_{number}(order: Order, *,\n    again: bool = {number}) -> int:\n"
        return head + "".join(f"    order += {number}{at}\n" for at in range(300)) + "\n\n"

    refund = "def refund(order):\n" + "".join(f"    order.refund({at})\n" for at in range(40))
    before, after = ("".join(map(step, range(first, first + 3))) for first in (1, 4))
    return f"import {name}\n\n\n{before}{refund}\n\n{after}"


def test_what_is_left_out_of_the_likeliest_files_is_shown_by_its_signatures(repo: Path, write: Write) -> None:
    write({"shop.py": large_file()})
    text = pack(repo, "refund is wrong", 6_000).text
    lines = text.split("\n")
    source = large_file().split("\n")
    shown = [line for line in lines if line.startswith("... ") and "def step_" in line]
    assert shown
    for line in shown:
        number, _, told = line.removeprefix("... ").partition(": ")
        assert told == f"{source[int(number) - 1]} {source[int(number)].strip()}"


def test_signatures_stay_within_the_budget_and_the_tokens_told(repo: Path, write: Write) -> None:
    write({f"shop_{n}.py": large_file().replace("step_", f"step_{n}_") for n in range(4)})
    for budget in (1_000, 3_000, 9_000, 20_000):
        packed = pack(repo, "refund is wrong", budget)
        assert len(cl100k().encode_ordinary(packed.text)) <= packed.tokens <= budget


def test_a_change_in_a_later_file_leaves_the_signatures_of_those_before_it(repo: Path, write: Write) -> None:
    write({"shop.py": large_file(), "store.py": large_file("store").replace("def refund", "def pay")})
    before = pack(repo, "refund in shop is wrong", 9_000)
    assert [file.path for file in before.files] == ["shop.py", "store.py"]
    write({"store.py": (repo / "store.py").read_text().replace("order.refund(", "order.refund(order, ")})
    after = pack(repo, "refund in shop is wrong", 9_000)
    begins = before.text.index("### store.py")
    assert before.text != after.text
    assert before.text[:begins] == after.text[:begins]


def test_signatures_in_a_pack_are_no_lines_of_the_file_for_what_is_told_of_changes(repo: Path, write: Write) -> None:
    write({"shop.py": large_file()})
    text = pack(repo, "refund is wrong", 6_000).text
    known = known_files(text)
    assert ": def step_" in text
    assert deltas(known, repo).text == ""
    write({"shop.py": large_file().replace("order.refund(7)", "order.give_back(7)")})
    told = deltas(known, repo).text
    assert "+    order.give_back(7)" in told
    assert "step_" not in told
