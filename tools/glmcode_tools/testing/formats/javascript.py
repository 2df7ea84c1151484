"""Reports of JavaScript runners: jest's JSON, the JUnit of vitest and mocha, and our own reporter's lines for node."""

import json
from typing import Any

from glmcode_tools.testing.formats.junit import JUnitCase
from glmcode_tools.testing.report import ReportProblem, Status, TestCase, case

_JEST: dict[str, Status] = {"passed": "passed", "failed": "failed"}
_NODE: dict[str, Status] = {"passed": "passed", "failed": "failed", "skipped": "skipped"}


def parse_jest(data: bytes, root: str) -> list[TestCase]:
    """Cases of `jest --json`; ids are `file::describe > test`. Raises ReportProblem."""
    results = _object(data).get("testResults")
    if not isinstance(results, list):
        raise ReportProblem("the jest report has no testResults")
    cases: list[TestCase] = []
    for result in (item for item in results if isinstance(item, dict)):
        file = _relative(str(result.get("name", "")), root)
        tests = result.get("assertionResults")
        tests = [test for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []
        cases += [_jest_case(file, test) for test in tests]
        if not tests and result.get("status") == "failed":
            cases.append(case(file, "error", file=file, message=str(result.get("message", ""))))
    return cases


def _jest_case(file: str, test: dict[str, Any]) -> TestCase:
    names = [str(name) for name in (*_list(test.get("ancestorTitles")), test.get("title", ""))]
    place = test.get("location")
    line = place.get("line") if isinstance(place, dict) else None
    return case(
        f"{file}::{' > '.join(names)}",
        _JEST.get(str(test.get("status")), "skipped"),
        file=file,
        line=line if isinstance(line, int) else None,
        message="\n".join(str(part) for part in _list(test.get("failureMessages"))),
    )


def parse_node(data: bytes, root: str) -> list[TestCase]:
    """Cases of our reporter for `node --test`: one JSON object a line. Raises ReportProblem."""
    cases: list[TestCase] = []
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        test = _object(line)
        file = _relative(str(test.get("file") or ""), root)
        names = " > ".join(str(name) for name in _list(test.get("names")))
        status = _NODE.get(str(test.get("status")))
        if status is None:
            raise ReportProblem("a status in the node report is unknown")
        number = test.get("line")
        if _relative(names, root) == file:
            # The file itself is reported when it could not be loaded, or ended with an error code.
            identity, status = file, "error" if status == "failed" else status
        else:
            identity = f"{file}::{names}" if file else names
        at = number if isinstance(number, int) else None
        cases.append(case(identity, status, file=file or None, line=at, message=str(test.get("message", ""))))
    return cases


def vitest_case(item: JUnitCase, root: str) -> TestCase:
    """vitest writes the file as classname and `describe > test` as name."""
    file = _relative(item.classname, root)
    return case(
        f"{file}::{item.name}", item.status, file=file, line=item.line, message=item.text.strip() or item.message
    )


def mocha_case(item: JUnitCase, root: str) -> TestCase:
    """mocha's xunit writes the describe titles as classname."""
    file = _relative(item.file or "", root)
    name = f"{item.classname} {item.name}".strip()
    message = item.text.strip() or item.message
    return case(f"{file}::{name}" if file else name, item.status, file=file or None, line=item.line, message=message)


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReportProblem(f"the report is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ReportProblem("the report is not a JSON object")
    return value


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _relative(path: str, root: str) -> str:
    return path.removeprefix("file://").removeprefix(root.rstrip("/") + "/").removeprefix("./")
