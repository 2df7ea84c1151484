import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.index.snapshot import File
from glmcode.context.pack import pack
from glmcode.context.ranking.fuse import file_odds, file_rows, log_softmax, piece_worths
from glmcode.context.ranking.links import Modules, from_tests
from glmcode.context.ranking.task import Task
from tests.glmcode.context.conftest import Commit, Write

PATHS = [
    *("src/shop/cart.py", "src/shop/__init__.py", "src/shop/tax/rates.py", "web/cart.ts", "web/lib/index.ts"),
    *(
        "include/fmt/core.h",
        "src/a/mod.rs",
        "src/a/deep.rs",
        "com/acme/Order.java",
        "lib/shop/item.rb",
        "pkg/tax/tax.go",
    ),
]


@pytest.mark.parametrize(
    ("path", "text", "imported"),
    [
        ("app.py", "from shop.cart import Cart\n", {"src/shop/cart.py"}),
        ("app.py", "import shop.tax.rates\n", {"src/shop/tax/rates.py"}),
        ("src/shop/cart.py", "from .tax import rates\n", {"src/shop/tax/rates.py"}),
        ("web/app.ts", "import { Cart } from './cart'\n", {"web/cart.ts"}),
        ("web/app.js", "const x = require('./lib/index')\n", {"web/lib/index.ts"}),
        ("src/x.cc", '#include "fmt/core.h"\n', {"include/fmt/core.h"}),
        ("src/main.rs", "use crate::a::deep;\n", {"src/a/deep.rs"}),
        ("com/acme/App.java", "import com.acme.Order;\n", {"com/acme/Order.java"}),
        ("lib/shop.rb", "require 'shop/item'\n", {"lib/shop/item.rb"}),
        ("app.py", "import json\nfrom typing import Any\n", set()),
        ("web/odd.js", "require('/')\nrequire('..')\n", set()),
    ],
)
def test_imports_lead_to_files(path: str, text: str, imported: set[str]) -> None:
    assert set(Modules(PATHS).imported(path, text)) == imported


@given(st.text(alphabet="import from.require'\"(/)#<>:{}\\ ab\n", max_size=200))
def test_any_text_can_be_searched_for_imports(text: str) -> None:
    assert set(Modules(PATHS).imported("app.py", text)) <= set(PATHS)


def test_what_a_test_says_speaks_for_what_it_tests() -> None:
    tests = ["tests/test_cart.py", "src/cart.spec.ts", "OrderTest.java"]
    scores = dict(zip(tests, (3.0, 2.0, 5.0), strict=True))
    assert from_tests(scores, tests, ["src/cart.py", "Order.java", "src/other.py"]) == {
        "src/cart.py": 3.0,
        "Order.java": 5.0,
    }


def test_a_task_is_read_by_its_parts() -> None:
    task = Task(
        "Cart.total is wrong\r\n<!-- a form's comment -->\nThe `get_tax()` call fails:\n"
        '```\nFile "x.py", line 3, in add_item\n```'
    )
    assert task.title == "Cart.total is wrong"
    assert "comment" not in task.words
    assert {"gettax", "additem"} <= set(task.names)
    assert task.frames == {"additem", "gettax"}
    assert ("is", "wrong") in task.phrases
    assert set(task.zones["code"]) >= {"gettax", "additem"}
    assert "additem" not in task.zones["prose"]


def test_probabilities_sum_to_one_and_ties_say_little() -> None:
    assert sum(map(math.exp, log_softmax([1.0, 2.0, 800.0]))) == pytest.approx(1.0)
    files = [File(path, "source", path, 1, 10, 100) for path in ("a.py", "b.py", "c.py")]
    rows = file_rows({"title": {"a.py": 2.0, "b.py": 2.0, "c.py": 1.0}}, files)
    assert [row["r_title"] for row in rows] == [1 / 3, 1 / 3, 1 / 4]
    assert [row["title"] for row in rows] == [1.0, 1.0, 0.5]
    odds = file_odds({"title": {"a.py": 2.0, "b.py": 0.1}}, files)
    assert odds[0] > odds[1] > odds[2]


def test_a_file_of_code_stays_one_when_the_task_quotes_code() -> None:
    files = [File(path, "source", path, 1, 10, 100) for path in ("a.py", "b.py")]
    rows = file_rows({"code": {"a.py": 0.1, "b.py": 4.0}}, files)
    assert [row["k_code"] for row in rows] == [1.0, 1.0]
    assert [row["code"] for row in rows] == [0.025, 1.0]


def test_a_file_is_worth_the_mean_of_its_odds_and_of_what_its_pieces_say() -> None:
    odds = log_softmax([0.0, 0.0])
    worths = piece_worths(odds, [[{"w_all": math.log(4)}], [{"w_all": 0.0}] * 4], {"w_all": 1.0})
    # By the pieces alone the files are alike, too: what is one piece of four holds a quarter.
    assert worths == [[pytest.approx(0.5)], [pytest.approx(0.125)] * 4]
    worths = piece_worths(odds, [[{"w_all": math.log(16)}], [{"w_all": 0.0}] * 4], {"w_all": 1.0})
    assert sum(worths[0]) == pytest.approx(2 / 3)


def test_code_comes_before_the_test_and_the_text_that_say_the_same(repo: Path, write: Write) -> None:
    write(dict.fromkeys(["docs/refund.md", "src/refund.py", "tests/test_refund.py"], "refund the order\n"))
    assert packed_paths(repo, "refund")[0] == "src/refund.py"


def test_a_file_that_shares_no_word_is_found_by_who_imports_it_and_what_commits_say(
    repo: Path, write: Write, commit: Commit
) -> None:
    write({f"src/other_{n}.py": f"value_{n} = {n}\n" for n in range(40)})
    commit("start")
    write({"src/kernel.py": "def apply(x):\n    return x\n"})
    commit("Round the discount of a voucher")
    write({"src/voucher.py": "from src.kernel import apply\n\ndef discount(voucher):\n    return apply(voucher)\n"})
    commit("more")
    found = packed_paths(repo, "the discount of a voucher is rounded up")
    assert found[:2] == ["src/voucher.py", "src/kernel.py"]


def packed_paths(repo: Path, task: str) -> list[str]:
    return [file.path for file in pack(repo, task, 4000).files]
