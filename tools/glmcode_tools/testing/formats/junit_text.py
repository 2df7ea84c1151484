"""JUnit XML written for our own artifacts."""

import re
from xml.sax.saxutils import escape, quoteattr

from glmcode_tools.testing.report import TestReport

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
