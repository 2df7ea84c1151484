"""Discovers and runs a folder's unittest tests and writes JUnit XML. Runs inside the sandbox, on Python 3.7 or newer.

Its text is given to `python -c` with the report's path and the wanted ids as arguments; nothing of glmcode is imported.
"""

# ruff: noqa: PTH100, PTH105, PTH109, PTH110, PTH112, PTH118, PTH123

from __future__ import annotations

import inspect
import os
import re
import sys
import time
import traceback
import unittest
from typing import Any
from xml.sax.saxutils import escape, quoteattr

PATTERN = "test*.py"


class Recorder(unittest.TextTestResult):
    """Prints as ever and remembers one outcome a test; the worst one wins."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outcomes: dict[str, tuple[str, Any, str, int]] = {}
        self.began: dict[str, float] = {}

    def startTest(self, test: Any) -> None:
        self.began[test.id()] = time.time()
        super().startTest(test)

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self.keep(test, "passed", "", 0)

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self.keep(test, "failure", text_of(err), line_of(test, err))

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self.keep(test, "error", text_of(err), line_of(test, err))

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            kind = "failure" if issubclass(err[0], test.failureException) else "error"
            self.keep(test, kind, f"{subtest}\n{text_of(err)}", line_of(test, err))

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self.keep(test, "skipped", reason, 0)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self.keep(test, "skipped", "expected failure", 0)

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self.keep(test, "failure", "unexpected success", 0)

    def keep(self, test: Any, kind: str, text: str, line: int) -> None:
        known = self.outcomes.get(test.id())
        order = ["skipped", "passed", "error", "failure"]
        if known is None or order.index(kind) > order.index(known[0]):
            self.outcomes[test.id()] = (kind, test, text, line)


def text_of(err: Any) -> str:
    return "".join(traceback.format_exception(*err))[-16000:]


def file_of(test: Any) -> str:
    """The file of the test's class, relative to here; of a module that could not be loaded, its own."""
    if type(test).__name__ == "_FailedTest":
        path = test._testMethodName.replace(".", os.sep)
        found = [p + ".py" for p in (path, os.path.join("tests", path), os.path.join("test", path))]
        return next((p for p in found if os.path.exists(p)), found[0])
    module = sys.modules.get(type(test).__module__)
    return os.path.relpath(getattr(module, "__file__", None) or ".")


def line_of(test: Any, err: Any) -> int:
    frames = [frame for frame in traceback.extract_tb(err[2]) if os.path.relpath(frame.filename) == file_of(test)]
    return (frames[-1].lineno or 0) if frames else 0


def defined_at(test: Any) -> int:
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    code = getattr(inspect.unwrap(method), "__code__", None) if method else None
    return code.co_firstlineno if code else 0


def names_of(test: Any) -> tuple[str, str, str]:
    """File, dotted class and name, such that path, classes and name joined by `::` are the test's id."""
    identity = test.id()
    if type(test).__name__ == "_ErrorHolder":
        step, _, owner = identity.rstrip(")").partition(" (")
        module = next((m for m in prefixes(owner) if m in sys.modules), owner)
        file = os.path.relpath(getattr(sys.modules.get(module), "__file__", None) or ".")
        return file, (dotted(file) + owner[len(module) :]), step
    file = file_of(test)
    if type(test).__name__ == "_FailedTest":
        return file, "", dotted(file)
    return file, dotted(file) + "." + type(test).__qualname__, getattr(test, "_testMethodName", identity)


def prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:size]) for size in range(len(parts), 0, -1)]


def dotted(file: str) -> str:
    return file[:-3].replace(os.sep, ".") if file.endswith(".py") else file.replace(os.sep, ".")


def flat(suite: Any) -> list[Any]:
    if not isinstance(suite, unittest.TestSuite):
        return [suite]
    return [test for part in suite for test in flat(part)]


def discover() -> list[Any]:
    """All tests under the current folder, and under folders of tests that are no packages."""
    here = os.getcwd()
    tests = flat(unittest.TestLoader().discover(here, PATTERN, here))
    for folder in ("tests", "test"):
        if os.path.isdir(folder) and not os.path.exists(os.path.join(folder, "__init__.py")):
            top = os.path.abspath(folder)
            tests += flat(unittest.TestLoader().discover(top, PATTERN, top))
    return tests


def wanted(test: Any, ids: list[str]) -> bool:
    file, owner, name = names_of(test)
    classes = [part for part in owner[len(dotted(file)) :].split(".") if part]
    node = "::".join([file, *classes, *([name] if owner else [])])
    names = (node, file, test.id())
    return any(each in names or node.startswith(each + "::") or test.id().startswith(each + ".") for each in ids)


def xml_text(text: str) -> str:
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def element(outcome: tuple[str, Any, str, int], seconds: float) -> str:
    kind, test, text, line = outcome
    file, owner, name = (xml_text(part) for part in names_of(test))
    values = {
        "classname": owner,
        "name": name,
        "file": file,
        "line": line or defined_at(test),
        "time": round(seconds, 3),
    }
    head = "<testcase " + " ".join(key + "=" + quoteattr(str(value)) for key, value in values.items())
    if kind == "passed":
        return head + "/>"
    first = xml_text(text.strip().split("\n")[-1])
    return f"{head}><{kind} message={quoteattr(first)}>{escape(xml_text(text))}</{kind}></testcase>"


def main(report: str, ids: list[str]) -> int:
    sys.path.insert(0, os.getcwd())
    if os.path.isdir("src"):
        sys.path.append(os.path.abspath("src"))
    tests = discover()
    chosen = [test for test in tests if wanted(test, ids)] if ids else tests
    result: Any = unittest.TextTestRunner(resultclass=Recorder, verbosity=1).run(unittest.TestSuite(chosen))
    with open(report + ".part", "w", encoding="utf-8", errors="replace") as out:
        out.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites><testsuite name="unittest">\n')
        for key, outcome in result.outcomes.items():
            out.write(element(outcome, time.time() - result.began.get(key, time.time())) + "\n")
        out.write("</testsuite></testsuites>\n")
    os.replace(report + ".part", report)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
