from itertools import takewhile
from pathlib import Path

import pytest

from glmcode.context.pack import pack
from tests.glmcode.context.conftest import Commit, Write


@pytest.fixture
def shop(repo: Path, write: Write, commit: Commit) -> Path:
    write({"AGENTS.md": "Use tabs.\n", "README.md": "A shop.\n"})
    for n in range(60):
        body = "".join(
            f"def step_{n}_{m}(order, refund):\n    return order.total_{m} - refund\n\n\n" for m in range(12)
        )
        write({f"src/part_{n % 7}/module_{n}.py": f"import os\n\n\n{body}"})
    commit("add the shop")
    return repo


def test_two_tasks_on_one_commit_share_all_that_does_not_depend_on_them(shop: Path) -> None:
    one, other = pack(shop, "the refund of step_3_4 is wrong", 6000), pack(shop, "order.total_7 in step_50_7", 6000)
    assert one.segments[:2] == other.segments[:2]
    assert [segment.name for segment in one.segments] == ["instructions", "map", "files"]
    fixed = one.text.index("## Files that may matter")
    assert one.text[:fixed] == other.text[:fixed]
    assert one.segments[2] != other.segments[2]


def test_a_changed_line_elsewhere_keeps_the_prefix(shop: Path) -> None:
    task = "the refund of step_3_4 is wrong"
    before = pack(shop, task, 6000)
    elsewhere = next(
        n for n in range(59, 0, -1) if f"src/part_{n % 7}/module_{n}.py" not in {f.path for f in before.files}
    )
    with (shop / f"src/part_{elsewhere % 7}/module_{elsewhere}.py").open("a") as file:
        file.write("# unrelated remark\n")
    after = pack(shop, task, 6000)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before.text, after.text, strict=False)))
    assert same >= 0.95 * len(before.text)
    assert before.segments[:2] == after.segments[:2]


def test_with_and_without_an_index_the_bytes_are_the_same(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pack(shop, "refund of order.total_3", 9000)
    assert pack(shop, "refund of order.total_3", 9000).text == first.text
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert pack(shop, "refund of order.total_3", 9000).text == first.text


def test_the_order_in_which_files_were_indexed_does_not_matter(
    shop: Path, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(shop, "anything", 3000)
    write(
        {
            "src/late.py": "def refund_late(order):\n    return order\n",
            "src/part_1/module_1.py": "def only(refund):\n    pass\n",
        }
    )
    grown = pack(shop, "refund_late of an order", 5000)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert pack(shop, "refund_late of an order", 5000).text == grown.text
