from collections.abc import Collection

import pytest

from glmcode.fix.verdict import Judgement, Runs, candidates, guarded, judge, suspects
from glmcode_tools.testing.report import Status, TestCase, TestReport

SUITE = {
    "tests/test_a.py::test_one": "passed",
    "tests/test_a.py::test_two": "passed",
    "tests/test_b.py::test_bug": "failed",
}
ONE, TWO, BUG = SUITE
NEW = "tests/test_b.py::test_new"


def report(*changes: dict[str, Status | None], **fields: bool) -> TestReport:
    """A run of the suite with some outcomes changed; None takes a test away."""
    statuses = dict(SUITE)
    for change in changes:
        statuses.update(change)  # type: ignore[arg-type]
    cases = tuple(TestCase(id=each, status=status) for each, status in statuses.items() if status)  # type: ignore[arg-type]
    return TestReport(command="pytest", runner="pytest", cases=cases, exit_code=0, duration_s=1.0, **fields)  # type: ignore[arg-type]


def verdict(
    after: TestReport,
    control: TestReport | None = None,
    *,
    before: TestReport | None = None,
    again: TestReport | None = None,
    original: TestReport | None = None,
    touched: Collection[str] = (),
) -> Judgement:
    return judge(Runs(before or report(), after, touched, control, again, original))


def test_a_test_that_passes_only_because_it_was_edited_spoils_the_verdict() -> None:
    after, touched = report({BUG: "passed"}), ["tests/test_a.py"]
    assert guarded(report(), touched) == {ONE, TWO}
    assert verdict(after, report(), original=report({BUG: "passed"}), touched=touched).verdict == "verified"
    judgement = verdict(after, report(), original=report({BUG: "passed", ONE: "failed"}), touched=touched)
    assert (judgement.verdict, judgement.rewritten, judgement.fixed) == ("unverified", (ONE,), (BUG,))


def test_a_test_that_failed_and_now_passes_verifies_the_change() -> None:
    judgement = verdict(report({BUG: "passed"}), report())
    assert (judgement.verdict, judgement.fixed) == ("verified", (BUG,))
    assert judgement.reason == "1 test failed before and passes now, and none that passed fails"


def test_a_test_that_the_change_brings_counts_when_it_fails_without_the_source() -> None:
    after, touched = report({NEW: "passed"}), ["tests/test_b.py"]
    assert candidates(report(), after, touched) == {NEW}
    proven = verdict(after, report({NEW: "failed"}), touched=touched)
    assert (proven.verdict, proven.fixed) == ("verified", (NEW,))
    empty = verdict(after, report({NEW: "passed"}), touched=touched)
    assert (empty.verdict, empty.fixed) == ("unverified", ())


def test_a_new_test_of_a_runner_without_files_counts_too() -> None:
    control, after = report({"pkg::TestNew": "failed"}), report({"pkg::TestNew": "passed"})
    judgement = verdict(after, control, touched=["pkg/a_test.go"])
    assert (judgement.verdict, judgement.fixed, judgement.flaky) == ("verified", ("pkg::TestNew",), ())


def test_a_file_that_cannot_be_collected_without_the_source_proves_its_new_tests_only() -> None:
    after, touched = report({NEW: "passed", BUG: None, "tests/test_b.py::test_old": "passed"}), ["tests/test_b.py"]
    before = report({"tests/test_b.py::test_old": "passed", BUG: None})
    control = report({BUG: None, "tests/test_b.py": "error"})
    assert verdict(after, control, before=before, touched=touched).fixed == (NEW,)
    only_old = verdict(before, control, before=before, touched=touched)
    assert (only_old.verdict, only_old.fixed) == ("unverified", ())


def test_a_weakened_test_proves_nothing() -> None:
    after = report({BUG: "passed"})
    judgement = verdict(after, report({BUG: "passed"}), touched=["tests/test_b.py"])
    assert (judgement.verdict, judgement.fixed) == ("unverified", ())


def test_a_strengthened_test_that_fails_without_the_source_counts() -> None:
    before = report({BUG: "passed"})
    judgement = verdict(before, report(), before=before, touched=["tests/test_b.py"])
    assert (judgement.verdict, judgement.fixed) == ("verified", (BUG,))


def test_taking_away_what_passed_is_never_verified() -> None:
    fixed: dict[str, Status | None] = {BUG: "passed"}
    deleted = verdict(report(fixed, {ONE: None}), report(), touched=["tests/test_a.py"])
    assert (deleted.verdict, deleted.removed, deleted.fixed) == ("unverified", (ONE,), (BUG,))
    skipped = verdict(report(fixed, {ONE: "skipped"}), report())
    assert (skipped.verdict, skipped.removed) == ("unverified", (ONE,))
    deselected = verdict(report(fixed, {ONE: None, TWO: None}), report())
    assert (deselected.verdict, deselected.removed) == ("unverified", (ONE, TWO))


def test_parameters_without_stable_names_take_nothing_away() -> None:
    before = report({f"{ONE}[<object at 0x1>]": "passed", f"{ONE}[b]": "passed"})
    after = report({BUG: "passed", f"{ONE}[<object at 0x2>]": "passed"})
    judgement = verdict(after, report({f"{ONE}[<object at 0x3>]": "passed"}), before=before)
    assert (judgement.verdict, judgement.fixed, judgement.removed) == ("verified", (BUG,), ())


def test_breaking_what_passed_fails_whatever_else_was_fixed() -> None:
    after = report({BUG: "passed", ONE: "failed", TWO: "error"})
    assert suspects(report(), after) == {ONE, TWO}
    judgement = verdict(after, report(), again=report({ONE: "failed", TWO: "error"}))
    assert (judgement.verdict, judgement.broken, judgement.fixed) == ("failed", (ONE, TWO), (BUG,))
    assert judgement.reason == f"2 tests that passed before now fail: {ONE}, {TWO}"


def test_a_file_that_can_no_longer_be_collected_breaks_its_tests() -> None:
    after = report({ONE: None, TWO: None, "tests/test_a.py": "error"})
    judgement = verdict(after, again=report({ONE: None, TWO: None, "tests/test_a.py": "error"}))
    assert (judgement.verdict, judgement.broken) == ("failed", (ONE, TWO))


def test_a_test_that_passes_when_run_again_is_flaky_not_broken() -> None:
    judgement = verdict(report({BUG: "passed", ONE: "failed"}), report(), again=report())
    assert (judgement.verdict, judgement.broken, judgement.flaky) == ("verified", (), (ONE,))


def test_a_skipped_test_that_the_change_did_not_touch_is_flaky_not_fixed() -> None:
    before, other = report({BUG: "passed", ONE: "skipped"}), ["tests/test_b.py"]
    judgement = verdict(report({BUG: "passed"}), report({ONE: "failed"}), before=before, touched=other)
    assert (judgement.verdict, judgement.fixed, judgement.flaky) == ("verified", (BUG,), (ONE,))
    alone = verdict(report({BUG: "passed"}), report({BUG: "passed", ONE: "failed"}), before=before, touched=other)
    assert (alone.verdict, alone.fixed) == ("unverified", ())


def test_without_a_failure_nothing_was_reproduced() -> None:
    before = report({BUG: "passed"})
    assert verdict(before, before=before).verdict == "not_reproduced"
    assert verdict(report()).verdict == "unverified"


def test_a_run_that_did_not_end_proves_nothing_and_one_that_no_longer_ends_is_a_failure() -> None:
    fixed: dict[str, Status | None] = {BUG: "passed"}
    for broken_off in ({"timed_out": True}, {"complete": False}):
        assert verdict(report(fixed, **broken_off), report()).verdict == "failed"
        before = report(**broken_off)
        assert verdict(report(fixed), report(), before=before).verdict == "unverified"
        assert verdict(report(fixed, **broken_off), report(), before=before).verdict == "unverified"


@pytest.mark.timeout(10)
def test_a_large_suite_is_judged_in_little_time() -> None:
    many: dict[str, Status | None] = {f"tests/test_{n % 50}.py::test_{n}": "passed" for n in range(20_000)}
    failing: dict[str, Status | None] = dict.fromkeys(list(many)[:5_000], "failed")
    judgement = verdict(report(many, {BUG: "passed"}), report(many, failing), before=report(many, failing))
    assert judgement.verdict == "verified" and len(judgement.fixed) == 5_001


@pytest.mark.parametrize(
    ("test_id", "path"),
    [
        ("tests.test_a.TestA::test_one", "tests/test_a.py"),
        ("test_a.TestA::test_one", "tests/test_a.py"),
        ("com.foo.BarTest::adds", "src/test/java/com/foo/BarTest.java"),
    ],
)
def test_dotted_ids_are_found_in_the_files_that_the_change_touches(test_id: str, path: str) -> None:
    before = report({test_id: "passed"})
    assert test_id in guarded(before, [path])
    assert guarded(before, ["tests/test_other.py", "src/BarTests.java"]) == set()
    assert test_id in candidates(before, before, [path])
