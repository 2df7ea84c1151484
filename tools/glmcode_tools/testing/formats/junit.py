"""JUnit XML read without trust: no DTD, no entities, bounded."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from glmcode_tools.testing.report import MESSAGE_CHARS, ReportProblem, Status

MAX_DEPTH = 64
MAX_CASES = 500_000
_KEPT_CHARS = 4 * MESSAGE_CHARS
_OUTCOMES: dict[str, Status] = {"failure": "failed", "error": "error", "skipped": "skipped"}


@dataclass(slots=True)
class JUnitCase:
    """One `testcase` element."""

    classname: str
    name: str
    file: str | None
    line: int | None
    """As written; pytest counts from 0."""
    suites: tuple[str, ...] = ()
    """Names of the suites around it, the outermost first."""
    status: Status = "passed"
    message: str = ""
    text: str = ""


@dataclass(slots=True)
class _Reader:
    cases: list[JUnitCase] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    suites: list[str] = field(default_factory=list)
    case: JUnitCase | None = None
    outcome: str | None = None
    room: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rsplit(":", 1)[-1]
        self.path.append(tag)
        if len(self.path) > MAX_DEPTH or len(self.cases) > MAX_CASES:
            raise ReportProblem("the JUnit report is too deep or too long")
        match tag:
            case "testsuite":
                self.suites.append(attributes.get("name", ""))
            case "testcase":
                line = attributes.get("line", "")
                self.case = JUnitCase(
                    classname=attributes.get("classname", ""),
                    name=attributes.get("name", ""),
                    file=attributes.get("file"),
                    line=int(line) if re.fullmatch(r"[0-9]{1,9}", line) else None,
                    suites=tuple(self.suites),
                )
                self.cases.append(self.case)
            case "failure" | "error" | "skipped" if self.case is not None and self.path[-2] == "testcase":
                self._outcome(self.case, _OUTCOMES[tag], attributes)

    def end(self, tag: str) -> None:
        ended = self.path.pop()
        if ended == "testsuite":
            self.suites.pop()
        elif ended == "testcase":
            self.case = None
        if ended in _OUTCOMES:
            self.room = 0

    def text(self, data: str) -> None:
        if self.case is not None and self.room > 0:
            self.case.text += data[: self.room]
            self.room -= len(data)

    def _outcome(self, case: JUnitCase, status: Status, attributes: dict[str, str]) -> None:
        worse = case.status in ("passed", "skipped") or status == "failed"
        if not worse:
            return
        case.status, case.text, self.room = status, "", _KEPT_CHARS
        case.message = attributes.get("message", "")[:_KEPT_CHARS]

    @staticmethod
    def refuse(*_: object) -> None:
        raise ReportProblem("the JUnit report declares a document type or entities; it is not read")


def parse_junit(data: bytes) -> list[JUnitCase]:
    """The cases of one report in document order. Raises ReportProblem, and nothing else, for what cannot be read."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ReportProblem(f"the JUnit report is not XML: {error}") from None
    return reader.cases
