"""JUnit XML, read without trust (no DTD, no entities, bounded) and written for our own artifacts."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from glmcode_tools.testing.report import MESSAGE_CHARS, ReportProblem, Status, TestReport

MAX_DEPTH = 64
MAX_CASES = 500_000
_KEPT_CHARS = 4 * MESSAGE_CHARS
_OUTCOMES: dict[str, Status] = {"failure": "failed", "error": "error", "skipped": "skipped"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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


def junit_text(report: TestReport) -> str:
    """`report` as JUnit XML: failures, errors and skips with their messages, ids as classname and name."""
    count = {status: sum(case.status == status for case in report.cases) for status in ("failed", "error", "skipped")}
    attributes = (
        f'name={_quoted(report.runner)} tests="{len(report.cases)}" failures="{count["failed"]}" '
        f'errors="{count["error"]}" skipped="{count["skipped"]}" time="{report.duration_s:.3f}"'
    )
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", f"<testsuite {attributes}>"]
    for case in report.cases:
        classname, _, name = case.id.rpartition("::")
        file = f" file={_quoted(case.file)}" if case.file else ""
        line = f' line="{case.line}"' if case.line else ""
        head = f"<testcase classname={_quoted(classname)} name={_quoted(name)}{file}{line}"
        match case.status:
            case "passed":
                lines.append(f"{head}/>")
            case "skipped":
                lines.append(f"{head}><skipped message={_quoted(case.message)}/></testcase>")
            case "failed" | "error":
                tag = "failure" if case.status == "failed" else "error"
                first = case.message.strip().split("\n", 1)[0]
                body = escape(_NOT_XML.sub("\ufffd", case.message))
                lines.append(f"{head}><{tag} message={_quoted(first)}>{body}</{tag}></testcase>")
    return "\n".join([*lines, "</testsuite>", "</testsuites>", ""])


def _quoted(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text))
