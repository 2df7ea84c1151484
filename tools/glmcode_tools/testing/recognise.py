"""Makes cases of what a run left: report files first, else the text it printed."""

from collections.abc import Mapping
from dataclasses import dataclass

from glmcode_tools.testing.formats.junit import JUnitCase, parse_junit
from glmcode_tools.testing.formats.pytest_ids import pytest_cases
from glmcode_tools.testing.report import ReportProblem, TestCase, case
from glmcode_tools.testing.runners import Runner


@dataclass(frozen=True, slots=True)
class Recognised:
    """The cases of a run and the runner that made them; `command` when nothing was recognised."""

    runner: str
    cases: tuple[TestCase, ...] = ()
    complete: bool = True


def recognise(runner: Runner, output: str, reports: Mapping[str, bytes], root: str) -> Recognised:
    """Cases from `reports` (by path) or from `output`; `root` is the workspace, cut off file names.

    A report that cannot be read makes the run incomplete, never an exception.
    """
    found: list[Recognised] = []
    broken = False
    for path, data in sorted(reports.items()):
        try:
            found.append(_from_file(path.rsplit("/", 1)[-1], data, root))
        except ReportProblem:
            broken = True
    if found:
        cases = tuple(item for part in found for item in part.cases)
        name = found[0].runner if runner.name == "command" else runner.name
        return Recognised(name, cases, complete=not broken and not _interrupted(output))
    return _from_text(runner, output, root, broken)


def _from_file(name: str, data: bytes, root: str) -> Recognised:
    from glmcode_tools.testing.formats import javascript

    match name:
        case "pytest.xml":
            return Recognised("pytest", tuple(pytest_cases(parse_junit(data), first_line=0)))
        case "unittest.xml":
            return Recognised("unittest", tuple(pytest_cases(parse_junit(data), first_line=1)))
        case "vitest.xml":
            return Recognised("vitest", tuple(javascript.vitest_case(item, root) for item in parse_junit(data)))
        case "mocha.xml":
            return Recognised("mocha", tuple(javascript.mocha_case(item, root) for item in parse_junit(data)))
        case "jest.json":
            return Recognised("jest", tuple(javascript.parse_jest(data, root)))
        case "node.jsonl":
            return Recognised("node", tuple(javascript.parse_node(data, root)))
        case _:
            return Recognised("junit", tuple(map(_junit_case, parse_junit(data))))


def _junit_case(item: JUnitCase) -> TestCase:
    """A case of surefire, gradle and others: class and method, a parameter list or index included."""
    identity = f"{item.classname}::{item.name}" if item.classname else item.name
    return case(identity, item.status, file=item.file, line=item.line, message=item.text.strip() or item.message)


def _from_text(runner: Runner, output: str, root: str, broken: bool) -> Recognised:
    """A runner that should have written a file and did not printed no report either."""
    from glmcode_tools.testing.formats.cargo import parse_cargo
    from glmcode_tools.testing.formats.gotest import parse_go
    from glmcode_tools.testing.formats.tap import parse_tap
    from glmcode_tools.testing.formats.unittest_text import parse_unittest

    if runner.name not in ("go", "cargo", "django", "command"):
        return Recognised(runner.name, complete=False)
    if (go := parse_go(output, runner.module)) is not None:
        return Recognised("go", tuple(go), complete=not broken)
    if (cargo := parse_cargo(output)) is not None:
        return Recognised("cargo", tuple(cargo), complete=not broken)
    if (unittest := parse_unittest(output)) is not None:
        return Recognised("unittest", tuple(unittest[0]), complete=unittest[1] and not broken)
    if (tap := parse_tap(output, root)) is not None:
        return Recognised("tap", tuple(tap.cases), complete=tap.complete and not broken)
    if runner.name == "command":
        return Recognised("command", complete=not broken)
    return Recognised(runner.name, complete=False)


def _interrupted(output: str) -> bool:
    """pytest says so when it did not get through: `-x`, a signal, an internal error."""
    return any(
        word in output
        for word in ("!!! stopping after ", "!!! Interrupted: ", "!!! KeyboardInterrupt ", "\nINTERNALERROR>")
    )
