import subprocess
from pathlib import Path

from benchmarks.packing.bm25 import ranked
from benchmarks.packing.commits import fixes, issue_text
from tests.glmcode.context.conftest import Commit, Write

FIX = """Fix refunds of empty orders (#12)

A refund of an order without lines raised a ZeroDivisionError, because the mean price was worked out before it
was known whether the order has any lines at all. See https://example.org/12 for more.

Fixes #12
Signed-off-by: Some One <one@example.org>
"""


def test_a_fix_becomes_an_issue_with_the_lines_it_changes(repo: Path, write: Write, commit: Commit) -> None:
    write({"shop/refund.py": "a\nb\nc\nd\ne\nf\n", "tests/test_refund.py": "x\n", "docs/refund.md": "x\n"})
    commit("start")
    base = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=repo, text=True).strip()
    write({"shop/refund.py": "a\nB\nc\nd\nmore\ne\n", "shop/new.py": "n\n", "tests/test_refund.py": "y\n"})
    commit(FIX)
    write({"shop/refund.py": "a\n"})
    commit("Rework refunds\n\n" + FIX.partition("\n\n")[2])
    (issue,) = fixes(repo, "some/shop")
    assert issue["base"] == base
    assert issue["lang"] == "python"
    assert list(issue["gold"]) == ["shop/refund.py"]
    assert issue["gold"]["shop/refund.py"]["edits"] == [[2, 2], [4, 4], [6, 6]]
    assert issue["issue"].startswith("Fix refunds of empty orders\n\nA refund of an order without lines raised")
    assert not any(word in issue["issue"] for word in ("#12", "example.org", "Signed-off"))


def test_a_list_of_changed_files_is_no_issue(repo: Path, write: Write, commit: Commit) -> None:
    write({"shop/refund.py": "a\n"})
    commit("start")
    write({"shop/refund.py": "b\n"})
    commit(f"{FIX}\n* shop/refund.py (mean): Look for lines first.\n")
    assert list(fixes(repo, "some/shop")) == []


def test_what_tells_of_no_problem_in_sentences_is_no_issue() -> None:
    assert issue_text(FIX)
    assert not issue_text("Fix refunds of empty orders\n\nFixes #12\n")
    assert not issue_text(FIX.replace("Fix refunds of", "Fix typo in refunds of"))
    assert not issue_text("Fix refunds of empty orders\n\n" + "- look for lines when there is no order\n" * 8)


def test_files_with_rare_words_of_the_issue_come_first() -> None:
    texts = {"a.py": "order " * 9, "b.py": "order refund", "c.py": "nothing", "d.py": "order"}
    assert ranked("The refund of an ORDER", texts) == ["b.py", "a.py", "d.py"]
