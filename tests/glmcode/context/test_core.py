from pathlib import Path

import pytest

from glmcode.context.core import MIN_CORE_BUDGET
from glmcode.context.pack import pack
from glmcode.context.pins import Pins
from glmcode.context.record import ContextPack
from tests.glmcode.context.conftest import Commit, Write

LARGE = 120_000


@pytest.fixture
def shop(repo: Path, write: Write, commit: Commit) -> Path:
    write({"README.md": "# Shop\n\nIt sells.\n" + "More of it.\n" * 200, "AGENTS.md": "Use tabs.\n"})
    write({"shop/money.py": "class Money:\n    cents = 0\n", "shop/dusty.py": "class Dusty:\n    pass\n"})
    for n in range(40):
        write({f"shop/part_{n}.py": f"from shop.money import Money\n\n\ndef part_{n}(order):\n    return Money()\n"})
    commit("add the shop")
    return repo


def core(packed: ContextPack) -> list[tuple[str, bool]]:
    return [(file.path, file.ranges is None) for file in packed.files if file.why.startswith("core")]


def test_a_large_pack_holds_what_everything_leans_on_and_the_head_of_the_readme(shop: Path) -> None:
    packed = pack(shop, "part_3 of an order", LARGE)
    assert [segment.name for segment in packed.segments] == ["instructions", "map", "core", "files"]
    assert core(packed) == [("README.md", False), ("shop/money.py", True)]
    assert packed.text.count("class Money") == 1
    assert "It sells." in packed.text and packed.text.count("More of it.") < 100


def test_a_small_pack_has_no_core(shop: Path) -> None:
    packed = pack(shop, "part_3 of an order", MIN_CORE_BUDGET)
    assert "core" not in {segment.name for segment in packed.segments}


def test_the_core_is_the_same_for_every_task_and_pin(shop: Path) -> None:
    one = pack(shop, "part_3 of an order", LARGE)
    other = pack(shop, "Money is lost", LARGE, Pins(pinned=("shop/part_7.py",), open=("shop/part_9.py",)))
    assert one.segments[:3] == other.segments[:3] and one.segments[3] != other.segments[3]
    start = one.text.index("## Files that may matter")
    assert one.text[:start] == other.text[:start] and "class Money" in one.text[:start]


def test_an_edit_elsewhere_leaves_the_core_alone(shop: Path, write: Write) -> None:
    before = pack(shop, "part_3 of an order", LARGE)
    write({"shop/part_20.py": "from shop.money import Money\n\n\ndef part_20(order):\n    return None\n"})
    assert pack(shop, "part_3 of an order", LARGE).segments[:3] == before.segments[:3]


def test_a_dropped_file_is_dropped_from_the_core(shop: Path) -> None:
    assert core(pack(shop, "part_3", LARGE, Pins(dropped=("shop/money.py",)))) == [("README.md", False)]
