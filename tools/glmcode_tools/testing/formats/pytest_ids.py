"""Node ids of pytest from its JUnit report, which names a test by dotted class, name and the file it was written in."""

import re
from collections.abc import Iterable

from glmcode_tools.testing.formats.junit import JUnitCase
from glmcode_tools.testing.report import TestCase, case


def pytest_cases(found: Iterable[JUnitCase], *, first_line: int) -> list[TestCase]:
    """Cases with node ids. `first_line` is what the report calls the first line of a file: 0 or 1."""
    items = list(found)
    modules = {_dotted(item.file): item.file for item in items if item.file}
    return [_case(item, modules, 1 - first_line) for item in items]


def _case(item: JUnitCase, modules: dict[str, str], add: int) -> TestCase:
    node = _node_id(item, modules)
    file = item.file or node.partition("::")[0]
    line = _failing_line(item.text, file) or (None if item.line is None else item.line + add)
    text = item.text.strip() or item.message
    return case(node, item.status, file=file, line=line, message=text)


def _node_id(item: JUnitCase, modules: dict[str, str]) -> str:
    """The test's own file is looked for first: a test inherited from another file's class names that one as `file`."""
    if not item.classname:
        # A file, or a package, that could not be collected.
        return item.file if item.file and _dotted(item.file) == item.name else modules.get(item.name, item.name)
    module = _module(item, modules)
    path = modules.get(module) or module.replace(".", "/") + ".py"
    classes = item.classname[len(module) :].lstrip(".")
    return "::".join([path, *(classes.split(".") if classes else []), item.name])


def _module(item: JUnitCase, modules: dict[str, str]) -> str:
    parts = item.classname.split(".")
    for size in range(len(parts), 0, -1):
        prefix = ".".join(parts[:size])
        if prefix in modules:
            return prefix
    # No other test told of that file: classes are written with a capital.
    size = next((i for i, part in enumerate(parts) if i and part[:1].isupper()), len(parts))
    return ".".join(parts[:size])


def _dotted(file: str | None) -> str:
    return re.sub(r"\.py$", "", (file or "").replace("\\", "/").replace("/", "."))


def _failing_line(text: str, file: str) -> int | None:
    """The last line of the traceback that lies in the test's file."""
    found = re.findall(rf"(?m)^{re.escape(file)}:(\d{{1,7}}): ", text)
    return int(found[-1]) if found else None
