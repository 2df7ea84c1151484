"""The JSON lines of `go test -json`."""

import json
import re
from dataclasses import dataclass, field

from glmcode_tools.testing.report import Status, TestCase, case

_OUTCOMES: dict[str, Status] = {"pass": "passed", "fail": "failed", "skip": "skipped"}
_PLACE = re.compile(r"(?m)^\s*([\w./-]+\.go):(\d{1,7})(?::\d+)?: ")
_KEPT_PIECES = 2000


@dataclass(slots=True)
class _Test:
    output: list[str] = field(default_factory=list)
    status: Status | None = None


def parse_go(text: str, module: str = "") -> list[TestCase] | None:
    """The cases, or None when there is no such line. `module` is the module's path, to name files from the root.

    An id is `package::TestX/sub`; a package that failed without a failing test is a case of its own, as is a build.
    """
    tests: dict[tuple[str, str], _Test] = {}
    seen = False
    for line in text.split("\n"):
        event = _event(line)
        if event is None:
            continue
        seen = True
        package, name = event.get("Package") or event.get("ImportPath", "").split(" ")[0], event.get("Test", "")
        test = tests.setdefault((package, name), _Test())
        match event.get("Action"):
            case "output" | "build-output":
                if len(test.output) < _KEPT_PIECES:
                    test.output.append(event.get("Output", ""))
            case "pass" | "fail" | "skip" as action:
                test.status = _OUTCOMES[action]
            case "build-fail":
                test.status = "error"
    return _cases(tests, module) if seen else None


def _event(line: str) -> dict[str, str] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("Action"), str):
        return None
    strings = {key: value for key, value in event.items() if isinstance(value, str)}
    return strings if "Package" in strings or "ImportPath" in strings else None


def _cases(tests: dict[tuple[str, str], _Test], module: str) -> list[TestCase]:
    failing = {package for (package, name), test in tests.items() if name and test.status == "failed"}
    cases: list[TestCase] = []
    for (package, name), test in tests.items():
        message = "".join(test.output)
        if name:
            # A test that began and never ended was cut off by a panic or a time limit.
            status = test.status or "error"
            cases.append(_case(f"{package}::{name}", status, "" if status == "passed" else message, package, module))
        elif test.status in ("failed", "error") and package not in failing:
            cases.append(_case(package, "error", message, package, module))
    return cases


def _case(id: str, status: Status, message: str, package: str, module: str) -> TestCase:
    place = _PLACE.search(message)
    if place is None:
        return case(id, status, message=message)
    folder = package[len(module) :].strip("/") if module and package.startswith(module) else ""
    file = place[1].removeprefix("./")
    path = f"{folder}/{file}" if folder and "/" not in file else file
    return case(id, status, file=path, line=int(place[2]), message=message)
