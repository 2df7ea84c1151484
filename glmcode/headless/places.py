"""Where in the user's files something is: what reports and models say about it, checked against what is there."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from glmcode_sandbox.beneath import opened, parts_of, read_beneath
from glmcode_tools.testing.report import TestCase

_READ_BYTES = 2 * 1024 * 1024
_ROOT_FILES = (
    "pyproject.toml", "package.json", "Cargo.toml", "go.mod", "pom.xml", "build.gradle", "build.gradle.kts", "Makefile",
    "setup.py", "README.md",
)  # fmt: skip
"""Stand for the whole repository, the first that is there: an editor shows a place only where there is a file."""
_SUFFIXES = (".py", ".java", ".kt", ".scala", ".groovy")
"""Of files that a dotted test name may stand for."""
_MAX_CHARS = 1_024
_MAX_PARTS = 40
"""Of a path or a name: above them it is nobody's, and its endings are too many to look for."""
_MAX_MISSES = 20_000
"""Files looked for in vain, in one report: whoever writes the report may name any number of them."""
_MAX_SEARCHES = 1_000
"""Searches for the definition of a test, in one report."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file. Line and column count from 1."""

    path: str
    """Relative to the repository, with `/`."""
    line: int = 1
    column: int = 1


class Places:
    """Finds places in one repository. Files are read without following a link out of it, each once."""

    def __init__(self, repo: Path) -> None:
        self._repo = repo
        self._lines: dict[str, tuple[str, ...]] = {}
        self._misses = 0
        self._searches = 0

    def of_case(self, case: TestCase) -> Place:
        """Where a test failed, else where it is defined, else its file, else a file that stands for the repository."""
        path = self.known(case.file) if case.file else None
        if path is not None and case.line is not None:
            return self.at(path, case.line)
        return self.of_id(case.id, path)

    def of_id(self, test_id: str, path: str | None = None) -> Place:
        """Where a test is defined, as far as its id and the file it was reported for tell."""
        path = path or self._file_of(test_id)
        if path is None:
            return Place(self._root_file)
        self._searches += 1
        if self._searches > _MAX_SEARCHES:
            return Place(path)
        name = re.split(r"::| > |\.", test_id.split("[", 1)[0])[-1].strip()
        defined = re.compile(
            rf"\b(?:def|func|fn|fun|function|void|class)\s+{re.escape(name)}\b|[\"'`]{re.escape(name)}[\"'`]"
        )
        for number, line in enumerate(self._read(path) or (), 1):
            if name and defined.search(line):
                return self.at(path, number)
        return Place(path)

    def at(self, path: str, line: int) -> Place:
        """A line of a known file, with the column of its first word; a line that is not there is the first one."""
        lines = self._read(path) or ()
        if not 1 <= line <= len(lines):
            return Place(path)
        text = lines[line - 1]
        return Place(path, line, len(text) - len(text.lstrip()) + 1 if text.strip() else 1)

    def known(self, path: str) -> str | None:
        """The repository's file that a report means: its path may be of another folder, such as a sandbox's."""
        if len(path) > _MAX_CHARS:
            return None
        parts = PurePosixPath(path.replace("\\", "/").removeprefix("file://")).parts
        parts = tuple(part for part in parts if part not in ("/", "."))
        for start in range(len(parts) if len(parts) <= _MAX_PARTS else 0):
            candidate = "/".join(parts[start:])
            if self._read(candidate) is not None:
                return candidate
        return None

    def _file_of(self, test_id: str) -> str | None:
        """The file of an id: `tests/test_a.py::TestX::test_y`, or the dotted `tests.test_a.TestX::test_y`."""
        head = test_id.split("::", 1)[0].split(" > ", 1)[0].strip()
        if (path := self.known(head)) is not None:
            return path
        parts = head.split(".")
        for size in range(len(parts) if len(parts) <= _MAX_PARTS else 0, 0, -1):
            if self._misses >= _MAX_MISSES:
                break
            for suffix in _SUFFIXES:
                if (path := self.known("/".join(parts[:size]) + suffix)) is not None:
                    return path
        return None

    def _read(self, path: str) -> tuple[str, ...] | None:
        """The lines of a file of the repository; None where there is none."""
        if path in self._lines:
            return self._lines[path]
        lines = self._read_now(path) if self._misses < _MAX_MISSES else None
        if lines is None:
            self._misses += 1
        else:
            self._lines[path] = lines
        return lines

    @cached_property
    def _root_file(self) -> str:
        return next((name for name in _ROOT_FILES if self._read_now(name) is not None), ".")

    def _read_now(self, path: str) -> tuple[str, ...] | None:
        try:
            with opened(self._repo) as root:
                data = read_beneath(root, parts_of(path), _READ_BYTES)
        except (OSError, ValueError):
            return None
        return tuple(data.decode("utf-8", "replace").split("\n"))
