import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.excerpt import cut, excerpt
from glmcode.context.mentions import named
from glmcode.context.rank import make_query, rank, terms

PATHS = ["README.md", "app.py", "lib/json/decoder.py", "src/shop/__init__.py", "src/shop/cart.py", "web/cart.ts"]


def order(task: str, texts: dict[str, str]) -> list[str]:
    return [entry.path for entry in rank(task, sorted(texts), texts.items(), make_query(task)).files]


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("getUserIds", ("getuserid", "get", "user", "id")),
        ("HTTPServer2", ("httpserver2", "http", "server", "2")),
        ("_add_months", ("add_month", "add", "month")),
        ("libraries", ("library",)),
        ("class", ("class",)),
        ("退款金额", ("退款金额", "退款", "款金", "金额")),
    ],
)
def test_words_are_split_into_their_parts(word: str, parts: tuple[str, ...]) -> None:
    assert terms(word) == parts


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


@pytest.mark.parametrize("junk", ["." * 60_000, "a." * 30_000, "/" * 60_000, "a-" * 30_000, "aB" * 30_000])
def test_a_hostile_task_costs_little(junk: str) -> None:
    began = time.perf_counter()
    named(junk, PATHS)
    make_query(junk)
    assert time.perf_counter() - began < 2


def test_a_rare_word_outweighs_common_ones() -> None:
    texts = {f"m{n}.py": "value value order" for n in range(5)} | {"z.py": "value refund"}
    assert order("order value of a refund", texts)[0] == "z.py"


def test_parts_of_names_and_of_paths_match() -> None:
    texts = {"a.py": "nothing here", "b.py": "def computeShippingRate(): pass", "shipping/rates.go": "package x"}
    assert set(order("shipping rate is off", texts)) == {"b.py", "shipping/rates.go"}


def test_code_comes_before_the_test_and_the_text_that_say_the_same() -> None:
    texts = dict.fromkeys(["docs/refund.md", "src/refund.py", "tests/refund.py"], "refund the order")
    assert order("refund", texts) == ["src/refund.py", "tests/refund.py", "docs/refund.md"]


def test_named_files_come_first_and_ties_go_by_path() -> None:
    texts = {"b.py": "refund", "a.py": "refund", "c.py": "unrelated"}
    assert order("refund, see c.py", texts) == ["c.py", "a.py", "b.py"]


def test_words_that_say_nothing_find_nothing() -> None:
    assert order("this is a problem, please fix it", {"a.py": "this is a problem please fix it"}) == []


def test_an_excerpt_holds_the_definition_that_matches_with_its_decorator() -> None:
    lines = [f"def filler_{n}():\n    return {n}\n\n" for n in range(30)]
    text = "".join([*lines[:20], "# Pays back.\n@cached\ndef refund(order):\n    return -order\n\n", *lines[20:]])
    search = make_query("refund the order")
    ranges = excerpt(text, search, search.weights, (), 40, lambda piece: len(piece) // 4 + 1)
    assert ranges == ((61, 65),)
    assert cut(text, ranges)[0].startswith("# Pays back.\n@cached\ndef refund(order):")


def test_an_excerpt_holds_the_lines_that_the_task_points_at() -> None:
    text = "".join(f"def filler_{n}():\n    return {n}\n\n" for n in range(30))
    search = make_query("wrong in line 50")
    assert excerpt(text, search, search.weights, (50,), 20, lambda piece: len(piece) // 4 + 1) == ((49, 51),)


@given(st.lists(st.sampled_from(["def refund():", "# note", "    x = refund", "", "@a", "class B:"]), max_size=200))
def test_ranges_are_in_order_apart_and_inside_the_file(lines: list[str]) -> None:
    text = "\n".join(lines)
    search = make_query("refund")
    ranges = excerpt(text, search, search.weights, (3,), 200, lambda piece: len(piece) // 4 + 1)
    flat = [number for one in ranges for number in one]
    assert flat == sorted(flat)
    assert all(1 <= number <= len(text.split("\n")) for number in flat)
    assert all(after[0] - before[1] > 4 for before, after in itertools.pairwise(ranges))
