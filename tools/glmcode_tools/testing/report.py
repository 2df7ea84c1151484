"""What a run of tests came to: one case a test, merged and comparable before and after a change."""

import re
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from glmcode_sandbox.clean import clean_text
from glmcode_tools.output import clip_lines

Status = Literal["passed", "failed", "error", "skipped"]

MESSAGE_CHARS = 4_000
_ID_CHARS = 1_000
_FILE_CHARS = 1_024
_RANK: dict[Status, int] = {"skipped": 0, "passed": 1, "error": 2, "failed": 3}


class ReportProblem(Exception):
    """What a runner left behind cannot be read as its report."""


class TestCase(BaseModel):
    """One test, or one thing that kept tests from running."""

    __test__ = False  # not a test class for pytest
    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    """The runner's own way to name it, stable between runs: `tests/test_a.py::TestX::test_y[param]`."""
    status: Status
    """failed: an assertion. error: it could not be run or collected, set-up or tear-down broke."""
    file: str | None = None
    """Relative to the workspace, where the runner says one that can be a path."""
    line: int | None = None
    """From 1: where it failed, else where it is defined."""
    message: str = ""
    """Cleaned and clipped."""


class TestReport(BaseModel):
    """One run. The code under test may have written any of it: forging reports is not guarded against."""

    __test__ = False
    model_config = ConfigDict(frozen=True, defer_build=True)

    command: str
    runner: str
    """pytest, unittest, go, ...; `command` when the exit code is all there is."""
    cases: tuple[TestCase, ...]
    exit_code: int
    duration_s: float
    timed_out: bool = False
    output_tail: str = ""
    complete: bool = True
    """False when tests may be missing: timed out, interrupted, crashed, or a report that could not be read."""

    @property
    def passed(self) -> frozenset[str]:
        return self._ids("passed")

    @property
    def failed(self) -> frozenset[str]:
        """Failed and broken ones."""
        return self._ids("failed", "error")

    @property
    def skipped(self) -> frozenset[str]:
        return self._ids("skipped")

    @property
    def collection_errors(self) -> tuple[TestCase, ...]:
        """Cases that are no single test: a file or package that could not be loaded, a command that broke."""
        return tuple(case for case in self.cases if case.status == "error" and "::" not in case.id)

    @property
    def counts(self) -> str:
        """For people and models: `12 passed, 1 failed, 2 skipped`."""
        found = {status: len(self._ids(status)) for status in ("passed", "failed", "error", "skipped")}
        return ", ".join(f"{count} {status}" for status, count in found.items() if count) or "no tests"

    def _ids(self, *statuses: str) -> frozenset[str]:
        return frozenset(case.id for case in self.cases if case.status in statuses)


class NoTests(BaseModel):
    """No way to run tests was found."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    reason: str
    """For people and models, with what to do."""


def case(id: str, status: Status, *, file: str | None = None, line: int | None = None, message: str = "") -> TestCase:
    """A case from untrusted parts: cleaned, clipped, `file` and `line` only where they make sense."""
    name = clean_text(id).replace("\n", " ").strip()[:_ID_CHARS] or "(no name)"
    path = clean_text(file).replace("\n", " ").strip() if file else None
    return TestCase(
        id=name,
        status=status,
        file=path if path and len(path) <= _FILE_CHARS else None,
        line=line if line and line > 0 else None,
        message=clip_lines(message, MESSAGE_CHARS).strip("\n"),
    )


def merge(cases: Iterable[TestCase]) -> tuple[TestCase, ...]:
    """One case an id, in order of first appearance; of several the worst is kept."""
    merged: dict[str, TestCase] = {}
    for item in cases:
        known = merged.get(item.id)
        if known is None or _RANK[item.status] > _RANK[known.status]:
            merged[item.id] = item
    return tuple(merged.values())


def select(cases: Iterable[TestCase], ids: Iterable[str]) -> tuple[TestCase, ...]:
    """The cases that `ids` name: whole ids, or what stands above them (a file, a class, a parametrised test),
    also in Python's dotted way.

    A file that could not be loaded is kept for the ids in it.
    """
    wanted = tuple(ids)
    if not wanted:
        return tuple(cases)
    return tuple(item for item in cases if any(_names(one, item) for one in wanted))


def _names(wanted: str, item: TestCase) -> bool:
    if wanted in (item.id, item.file):
        return True
    if item.status == "error" and wanted.startswith(f"{item.id}::"):
        return True
    dotted = re.sub(r"\.py(?=::|$)", "", item.id).replace("/", ".").replace("::", ".")
    if f"{dotted}.".startswith(f"{wanted}."):
        return True
    rest = item.id.removeprefix(wanted)
    return len(rest) < len(item.id) and (rest.startswith(("::", "[", "/", " > ")) or wanted.endswith("/"))
