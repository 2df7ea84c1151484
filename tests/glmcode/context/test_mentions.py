import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.mentions import named
from glmcode.context.ranking.task import Task

PATHS = ["README.md", "app.py", "lib/json/decoder.py", "src/shop/__init__.py", "src/shop/cart.py", "web/cart.ts"]


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ("look at src/shop/cart.py please", {"src/shop/cart.py": (3, ())}),
        ('File "/home/x/checkout/src/shop/cart.py", line 51, in add', {"src/shop/cart.py": (3, (51,))}),
        ("see `./src/shop/cart.py:7` and src\\shop\\cart.py:9:2.", {"src/shop/cart.py": (3, (7, 9))}),
        ("https://example.org/o/r/blob/main/src/shop/cart.py#L12", {"src/shop/cart.py": (3, (12,))}),
        ("the total in cart.ts is wrong", {"web/cart.ts": (1, ())}),
        ("shop.cart.Cart.total raises", {"src/shop/cart.py": (2, ())}),
        ("src.shop has no name", {"src/shop/__init__.py": (2, ())}),
        ("app.run() hangs", {"app.py": (2, ())}),
        ("/usr/lib/python3.11/other/decoder.py line 3", {}),
        ("e.g. cart. or 1.2.3 ... and /", {}),
    ],
)
def test_finds_what_the_task_names(task: str, found: dict[str, tuple[int, tuple[int, ...]]]) -> None:
    assert named(task, PATHS) == found


@given(st.text(alphabet="ab./\\-_ :1\n", max_size=300))
def test_any_task_can_be_searched_for_names(task: str) -> None:
    assert set(named(task, PATHS)) <= set(PATHS)


@pytest.mark.parametrize(
    "junk",
    ["." * 60_000, "a." * 30_000, "/" * 60_000, "a-" * 30_000, "aB" * 30_000],
    ids=["dots", "names", "slashes", "dashes", "humps"],
)
def test_a_hostile_task_costs_little(junk: str) -> None:
    began = time.thread_time()
    named(junk, PATHS)
    task = Task(junk)
    assert task.zones.keys() == {"title", "prose", "code"}
    assert len(task.phrases | task.words | task.frames) < 100_000
    assert time.thread_time() - began < 2
