"""The verdict: what three test runs prove about a change. Pure: reports in, verdict out."""

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from glmcode.events import Verdict
from glmcode_tools.testing.report import TestReport


class Judgement(BaseModel):
    """The verdict and what it rests on."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    verdict: Verdict
    reason: str
    """One sentence for people."""
    fixed: tuple[str, ...] = ()
    """Test ids that fail without the change to the source and pass with it."""
    broken: tuple[str, ...] = ()
    """Test ids that passed before and fail now."""
    removed: tuple[str, ...] = ()
    """Test ids that passed before and that the change takes away: deleted, skipped or no longer collected."""
    rewritten: tuple[str, ...] = ()
    """Test ids that passed before and pass now only because the change edits them."""
    flaky: tuple[str, ...] = ()
    """Test ids that failed in one run and passed in another of the same code."""


def failing(report: TestReport) -> set[str]:
    """Ids that ran and did not pass."""
    return {case.id for case in report.cases if case.status in ("failed", "error")}


def failing_of(test_ids: Collection[str], report: TestReport) -> set[str]:
    """Those of these tests that fail there: they ran and failed, or their file could not even be collected."""
    failed, ran = failing(report), {case.id for case in report.cases}
    unloadable = {name for case in report.collection_errors for name in (case.id, case.file)}
    return {each for each in test_ids if each in failed or (each not in ran and _file_of(each) in unloadable)}


def candidates(before: TestReport, after: TestReport, touched: Collection[str]) -> set[str]:
    """Ids that may turn out fixed, and so must be tried without the change to the source."""
    passed_before, ours = before.passed, _names_of(touched)
    return {test_id for test_id in after.passed if test_id not in passed_before or _is_in(test_id, ours)}


def suspects(before: TestReport, after: TestReport) -> set[str]:
    """Ids that passed before and fail now; run them again before calling them broken."""
    return failing_of(before.passed, after)


def guarded(before: TestReport, touched: Collection[str]) -> set[str]:
    """Ids that passed before, in test files that the change touches: as they were, they must still pass."""
    ours = _names_of(touched)
    return {test_id for test_id in before.passed if _is_in(test_id, ours)}


@dataclass(frozen=True, slots=True)
class Runs:
    """The test runs that a verdict weighs."""

    before: TestReport
    """The base."""
    after: TestReport
    """The base with the whole change."""
    touched: Collection[str] = ()
    """The test files that the change touches."""
    control: TestReport | None = None
    """The base with only those test files changed; None: there were no candidates."""
    again: TestReport | None = None
    """The suspects once more on the changed code; None: there were none."""
    original: TestReport | None = None
    """The changed code with those test files as they were; None: none of them held a test that passed."""


def judge(runs: Runs) -> Judgement:
    """Weigh the runs."""
    before, after, touched = runs.before, runs.after, runs.touched
    flaky = {test_id for test_id in suspects(before, after) if runs.again and test_id in runs.again.passed}
    broken = suspects(before, after) - flaky
    chosen = candidates(before, after, touched)
    proven = _failing_without(chosen, before, runs.control) if runs.control else set()
    # What was skipped before, in a file that nothing touched, does not fail because of the change.
    skipped, ours = before.skipped, _names_of(touched)
    fixed = {each for each in proven if _is_in(each, ours) or each not in skipped}
    flaky |= proven - fixed
    removed = _taken_away(before, after, touched) - broken - flaky
    rewritten = failing_of(guarded(before, touched), runs.original) - broken if runs.original else set()
    verdict, reason = _decide(runs, fixed, broken, removed, rewritten)
    return Judgement(
        verdict=verdict,
        reason=reason,
        fixed=tuple(sorted(fixed)),
        broken=tuple(sorted(broken)),
        removed=tuple(sorted(removed)),
        rewritten=tuple(sorted(rewritten)),
        flaky=tuple(sorted(flaky)),
    )


def _failing_without(test_ids: Collection[str], before: TestReport, control: TestReport) -> set[str]:
    """Those that fail without the change to the source.

    A test that passed before must fail by itself: an import that was added to its file makes all of them fail.
    """
    by_themselves, passed = failing(control), before.passed
    return {each for each in failing_of(test_ids, control) if each in by_themselves or each not in passed}


def _taken_away(before: TestReport, after: TestReport, touched: Collection[str]) -> set[str]:
    """What passed before and is skipped or gone. An id that only changed its parameters' names is neither."""
    functions, ours = {_function_of(case.id) for case in after.cases}, _names_of(touched)
    gone = before.passed - {case.id for case in after.cases}
    return set(before.passed & after.skipped) | {
        test_id for test_id in gone if _is_in(test_id, ours) or _function_of(test_id) not in functions
    }


def _decide(
    runs: Runs, fixed: set[str], broken: set[str], removed: set[str], rewritten: set[str]
) -> tuple[Verdict, str]:
    before, after, control = runs.before, runs.after, runs.control
    if broken:
        fails = "fails" if len(broken) == 1 else "fail"
        return "failed", f"{_count(broken)} that passed before now {fails}: {_some(broken)}"
    if not _ran_to_the_end(before):
        return "unverified", "the tests did not run to the end before the change, so what it breaks cannot be told"
    if not _ran_to_the_end(after):
        return "failed", "the tests ran to the end before the change and no longer do"
    if removed:
        return "unverified", f"the change takes away {_count(removed)} that passed: {_some(removed)}"
    if rewritten:
        return "unverified", f"the change breaks {_count(rewritten)} and rewrites them to pass: {_some(rewritten)}"
    if fixed:
        passes = "passes" if len(fixed) == 1 else "pass"
        return "verified", f"{_count(fixed)} failed before and {passes} now, and none that passed fails"
    if not failing(before) and not (control and failing(control)):
        return "not_reproduced", "no test failed before the change, so nothing shows that it fixes anything"
    return "unverified", "no test that failed before passes now"


def _ran_to_the_end(report: TestReport) -> bool:
    return report.complete and not report.timed_out


def _file_of(test_id: str) -> str:
    return test_id.split("::", 1)[0]


def _names_of(paths: Collection[str]) -> frozenset[str]:
    """What test ids may call these files: their paths, or modules or classes like `tests.test_a`, `com.BarTest`."""
    names = set(paths)
    for path in paths:
        parts = path.rsplit(".", 1)[0].split("/")
        names.update(".".join(parts[start:]) for start in range(len(parts)))
    return frozenset(names)


def _is_in(test_id: str, names: frozenset[str]) -> bool:
    """Whether a test stands in one of these files. A dotted id ends in the class."""
    place = _file_of(test_id)
    return place in names or ("/" not in place and place.rpartition(".")[0] in names)


def _function_of(test_id: str) -> str:
    return test_id.split("[", 1)[0]


def _count(ids: Collection[str]) -> str:
    return "1 test" if len(ids) == 1 else f"{len(ids)} tests"


def _some(ids: Collection[str]) -> str:
    shown = sorted(ids)[:3]
    return ", ".join(shown) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
