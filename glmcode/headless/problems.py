"""What is wrong with the user's files when a run is over: tests that fail, tests that a change spoils, findings."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glmcode.fix.verdict import failing
from glmcode.headless.findings import Findings
from glmcode.headless.places import Place, Places
from glmcode_sandbox.clean import one_line
from glmcode_tools.testing.report import TestCase, TestReport

Severity = Literal["error", "warning", "info"]
Rule = Literal["failing-test", "broken-by-change", "removed-test", "rewritten-test", "finding"]

MAX_FINDINGS = 200
_MESSAGE_COLUMNS = 400
_FINDING = re.compile(
    r"\s*(?:[-*]\s+)?[`*]*(?P<path>[^\s:`*][^:`*]*):(?P<line>\d{1,7})(?::(?P<column>\d{1,5}))?[`*]*:\s+[`*]*"
    r"(?P<severity>error|warning|info)[`*]*:\s+(?P<message>\S.*)"
)
_ERROR = re.compile(r"\s*[\w.]*(?:Error|Exception|Failure|Failed)\b.*")
_OPENING = re.compile(r"\s*(?:Traceback \(|thread '.*' panicked at |---)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One line for an editor's list of problems."""

    place: Place
    severity: Severity
    message: str
    """One line, cleaned."""
    rule: Rule


async def find_problems(findings: Findings, repo: Path) -> tuple[Problem, ...]:
    """`problems_of` beside the event loop. A first cancel is taken back: an interrupted run is reported as well."""
    work = asyncio.ensure_future(asyncio.to_thread(problems_of, findings, Places(repo)))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        return await work


def problems_of(findings: Findings, places: Places) -> tuple[Problem, ...]:
    """The problems after a run, in order of place: errors are what fails in the user's files as they are now."""
    found = [*_failing_now(findings, places), *_spoilt(findings, places)]
    if findings.mode == "run" and findings.turn is not None:
        found += findings_in(findings.turn.answer, places)
    unique = {(each.place, each.message): each for each in found}
    return tuple(sorted(unique.values(), key=lambda each: (each.place.path, each.place.line, each.message)))


def findings_in(answer: str, places: Places) -> Iterator[Problem]:
    """The findings that a model wrote as `path:line: severity: message`, as far as they name files that are there."""
    count = 0
    for line in answer.splitlines():
        found = _FINDING.fullmatch(line)
        if found is None or count >= MAX_FINDINGS:
            continue
        path = places.known(found["path"].strip())
        if path is None:
            continue
        count += 1
        place = places.at(path, int(found["line"]))
        if found["column"] and place.line == int(found["line"]):
            place = Place(place.path, place.line, max(1, int(found["column"])))
        severity: Severity = (
            "error" if found["severity"] == "error" else "info" if found["severity"] == "info" else "warning"
        )
        yield Problem(place, severity, one_line(found["message"], _MESSAGE_COLUMNS), "finding")


def _failing_now(findings: Findings, places: Places) -> Iterator[Problem]:
    """Tests that fail in the user's files: with the change where it was applied, else without it."""
    report = findings.after if findings.applied and findings.after else findings.before
    if findings.applied and findings.verification is None and findings.patch:
        return  # nobody ran them on the changed files
    for case in _failed_cases(report):
        yield Problem(places.of_case(case), "error", _failure(case), "failing-test")


def _spoilt(findings: Findings, places: Places) -> Iterator[Problem]:
    """What the change does to tests that passed: a warning, since as a rule such a change is not applied."""
    judgement, after = findings.judgement, findings.after
    aside = "" if findings.applied else ", which was not applied,"
    if not findings.applied:
        broken = {case.id: case for case in _failed_cases(after)}
        for test_id in judgement.broken:
            case = broken.get(test_id)
            place = places.of_case(case) if case else places.of_id(test_id)
            why = f": {summary(case.message)}" if case and case.message else ""
            yield _warning(place, f"the change{aside} breaks {_name(test_id)}{why}", "broken-by-change")
    for test_id in judgement.removed:
        yield _warning(places.of_id(test_id), f"the change{aside} takes {_name(test_id)} away", "removed-test")
    for test_id in judgement.rewritten:
        told = f"the change{aside} breaks {_name(test_id)} and rewrites it to pass"
        yield _warning(places.of_id(test_id), told, "rewritten-test")


def _warning(place: Place, message: str, rule: Rule) -> Problem:
    return Problem(place, "warning", one_line(message, _MESSAGE_COLUMNS), rule)


def _failed_cases(report: TestReport | None) -> Iterable[TestCase]:
    if report is None:
        return ()
    failed = failing(report)
    return [case for case in report.cases if case.id in failed]


def _failure(case: TestCase) -> str:
    verb = "fails" if case.status == "failed" else "cannot run"
    said = summary(case.message)
    return one_line(f"{_name(case.id)} {verb}{': ' if said else ''}{said}", _MESSAGE_COLUMNS)


def _name(test_id: str) -> str:
    return test_id.rsplit("::", 1)[-1]


def summary(message: str) -> str:
    """The line of a runner's message that says what went wrong."""
    lines = [line for line in message.splitlines() if line.strip()]
    marked = next((line[1:] for line in lines if line.startswith("E  ")), None)
    if marked is not None:
        return marked.strip()
    errors = [line for line in lines if _ERROR.fullmatch(line)]
    plain = [line for line in lines if not _OPENING.match(line)]
    return next(iter([*errors[-1:], *plain[:1], *lines[:1]]), "").strip()
