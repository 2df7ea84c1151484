from pathlib import Path

import pytest

from glmcode.config import Settings
from glmcode.context.budget import LEAST_TOKENS, Auto, announcement, choose_budget
from glmcode.context.pack import pack
from glmcode.context.ranking.task import Task
from glmcode.context.repack import repack
from glmcode.model.engines import known_window
from glmcode_engine.prices import Prices
from tests.cli import CommandLine
from tests.glmcode.context.conftest import Commit, Write

TRACE = 'Saving fails\n\nTraceback (most recent call last):\n  File "shop/refund.py", line 2, in refund\nKeyError: 1'
PRICES = Prices(prompt=0.6, cached=0.11, completion=2.2)


def tokens(text: str, spread: int = 40_000, auto: Auto | None = None) -> int:
    return choose_budget(auto or Auto(), Task(text), spread, ()).tokens


def test_a_small_change_and_a_trace_need_less_than_a_bug_without_one() -> None:
    bug = "Orders are sometimes counted twice when two people save at once"
    small = "Rename total_price to total everywhere"
    assert tokens("") < tokens(small) < tokens(bug, 2000) < tokens(bug, 10_000) < tokens(bug, 40_000)
    for spread in (2000, 10_000, 40_000):
        assert tokens(TRACE, spread) < tokens(bug, spread)


def test_a_long_report_with_a_small_word_in_its_title_is_no_small_change() -> None:
    assert tokens("Rename fails\n\n" + "It says that the table is locked. " * 30) == tokens("Saving fails")


@pytest.mark.parametrize(
    ("title", "small"),
    [
        ("Fix a typo in the error message of save()", True),
        ("Rename total_price to total everywhere", True),
        ("Bump the version number", True),
        ("Rename fails on Windows", False),
        ("Docstring of a wrapped function is lost", False),
        ("Comments crash the parser", False),
        ("Changelog page doesn't load", False),
        ("Saving is slow", False),
    ],
)
def test_a_small_word_in_what_fails_makes_no_small_change(title: str, small: bool) -> None:
    assert (choose_budget(Auto(), Task(title), 40_000, ()).reason == "a small change by its title") is small


@pytest.mark.parametrize("window", [8_000, 32_000, 128_000, 200_000])
def test_never_more_than_a_third_of_the_window(window: int) -> None:
    budget = choose_budget(Auto(window), Task("Orders are lost"), 100_000, ())
    assert budget.tokens <= window / 3
    assert ("window" in budget.reason) == (window < 200_000 + 1 and budget.tokens < tokens("Orders are lost", 100_000))


def test_where_tokens_are_dear_there_are_fewer() -> None:
    dear = choose_budget(Auto(None, Prices(prompt=15, cached=1.5, completion=75)), Task("Orders are lost"), 40_000, ())
    assert dear.tokens == 4000 and "price" in dear.reason
    absurd = Auto(None, Prices(prompt=15_000, cached=1.5, completion=75))
    assert choose_budget(absurd, Task("Orders are lost"), 40_000, ()).tokens == LEAST_TOKENS


def test_what_was_chosen_is_told_with_its_cost() -> None:
    assert announcement(24_000, "a bug with a trace", PRICES) == (
        "24K tokens of this repository: a bug with a trace; $0.014 cold, $0.003 cached"
    )
    assert (
        announcement(277, "few", PRICES) == "277 tokens of this repository: few; under $0.001 cold, under $0.001 cached"
    )
    assert announcement(24_000, "a bug with a trace", None) == "24K tokens of this repository: a bug with a trace"


@pytest.fixture
def shop(repo: Path, write: Write, commit: Commit) -> Path:
    for n in range(120):
        word = "refund" if n % 2 else "credit"
        body = "".join(f"def step_{n}_{m}(order):\n    return order.amount_{m} - {word}({m})\n\n\n" for m in range(40))
        write({f"src/part_{n % 7}/module_{n}.py": body})
    write({"src/locking.py": "def acquire_mutex(name):\n    return name\n"})
    commit("add the shop")
    return repo


def test_a_pack_chooses_by_how_sure_its_ranking_is(shop: Path) -> None:
    sure, unsure = pack(shop, "acquire_mutex hangs", Auto()), pack(shop, "the refund of an order is wrong", Auto())
    assert sure.budget < unsure.budget and sure.tokens <= sure.budget and unsure.tokens <= unsure.budget
    assert "few places match" in sure.budget_why and "much matches a little" in unsure.budget_why
    assert pack(shop, "acquire_mutex hangs", sure.budget).text == sure.text
    assert pack(shop, "acquire_mutex hangs", 5000).budget_why == ""


def test_packing_again_says_what_the_server_has_to_read_anew(shop: Path, write: Write) -> None:
    before = pack(shop, "acquire_mutex hangs", 9000)
    same = repack(shop, "acquire_mutex hangs", 9000, before.text)
    assert (same.kept, same.fresh) == (before.tokens, 0)
    other = repack(shop, "the refund of an order is wrong", 9000, before.text)
    fixed = sum(segment.tokens for segment in other.pack.segments if segment.name != "files")
    assert 0 < other.kept <= fixed + 100 and other.kept + other.fresh == other.pack.tokens
    assert repack(shop, "acquire_mutex hangs", 9000, "").kept == 0


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({}, "few places match; $0.007 cold, $0.001 cached"),
        ({"GLMCODE_PRESET": "zai-coding"}, "few places match"),
        ({"GLMCODE_PRESET": "sglang", "GLMCODE_WINDOW": "6000"}, "few places match; less for the window of 6,000"),
    ],
)
async def test_the_command_says_what_it_chose_and_what_that_costs_at_the_endpoint_of_a_run(
    shop: Path, tmp_path: Path, setting: dict[str, str], told: str
) -> None:
    done = await CommandLine(tmp_path, setting).run(
        "pack", "--repo", str(shop), "--task", "acquire_mutex hangs", "--budget", "auto"
    )
    assert done.code == 0
    assert done.stderr.strip().endswith(f"tokens of this repository: a task without a trace, and {told}")


async def test_a_budget_that_is_no_number_is_told_so(shop: Path, tmp_path: Path) -> None:
    done = await CommandLine(tmp_path).run("pack", "--repo", str(shop), "--task", "x", "--budget", "1k")
    assert done.code == 2 and "'1k' is no number of tokens; name one, or auto" in done.stderr


def test_the_window_of_a_preset_is_known_without_asking() -> None:
    assert known_window(Settings()) == 200_000
    assert known_window(Settings(window=9000)) == 9000
    assert known_window(Settings(base_url="http://127.0.0.1:30000/v1")) is None
