"""The text of `cargo test` (libtest)."""

import re
from dataclasses import dataclass, field

from glmcode_tools.testing.report import Status, TestCase, case

_RUNNING = re.compile(r"\s+Running (?:unittests )?(\S+) \((?:.*/)?([^/]+?)-[0-9a-f]{8,}(?:\.exe)?\)\s*")
_DOC_TESTS = re.compile(r"\s+Doc-tests (\S+)\s*")
_RESULT = re.compile(r"test (.+?)(?: - should panic)? \.\.\. (?:.* )?(ok|FAILED|ignored(?:, .*)?)(?: <[\d.]+m?s>)?")
_STARTED = re.compile(r"test (.+?)(?: - should panic)? \.\.\. (.*)")
_SECTION = re.compile(r"---- (.+?) stdout ----")
_PLACE = re.compile(r"panicked at (?:.*, )?([\w./-]+\.rs):(\d{1,7})")
_BUILD_PLACE = re.compile(r"(?m)^error.*\n\s*--> ([\w./-]+\.rs):(\d{1,7})")
_SUMMARY = re.compile(r"test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored")


@dataclass(slots=True)
class _Reader:
    target: str = "tests"
    pending: str | None = None
    section: str | None = None
    outcomes: dict[tuple[str, str], Status] = field(default_factory=dict)
    messages: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def line(self, line: str) -> None:
        if running := _RUNNING.fullmatch(line):
            self.target, self.section = f"{running[2]}/{running[1]}", None
        elif doc := _DOC_TESTS.fullmatch(line):
            self.target, self.section = f"{doc[1]}/doc", None
        elif result := _RESULT.fullmatch(line):
            self._done(result[1], result[2])
        elif started := _STARTED.fullmatch(line):
            self.pending = started[1]
        elif self.pending and line in ("ok", "FAILED", "ignored"):
            self._done(self.pending, line)
        elif section := _SECTION.fullmatch(line):
            self.section = section[1]
        elif line == "failures:" or line.startswith("test result:"):
            self.section = None
        elif self.section:
            self.messages.setdefault((self.target, self.section), []).append(line)

    def _done(self, name: str, word: str) -> None:
        status: Status = "passed" if word == "ok" else "failed" if word == "FAILED" else "skipped"
        self.outcomes[self.target, name] = status
        self.pending = None


def parse_cargo(text: str) -> list[TestCase] | None:
    """The cases, or None when the text is no cargo test run. An id is `crate/src/lib.rs::tests::name`."""
    reader = _Reader()
    for row in text.split("\n"):
        reader.line(row.rstrip("\r"))
    cases = [_case(target, name, status, reader) for (target, name), status in reader.outcomes.items()]
    if not cases and (build := re.search(r"(?m)^error: could not compile .*$", text)):
        place = _BUILD_PLACE.search(text)
        errors = text[text.find("\nerror") + 1 : build.end()]
        file, line = (place[1], int(place[2])) if place else (None, None)
        return [case("cargo build", "error", file=file, line=line, message=errors)]
    return cases if cases or _SUMMARY.search(text) else None


def _case(target: str, name: str, status: Status, reader: _Reader) -> TestCase:
    message = "\n".join(reader.messages.get((target, name), ()))
    place = _PLACE.search(message)
    if place is None and target.endswith("/doc"):
        place = re.match(r"(\S+\.rs) - .*\(line (\d{1,7})\)", name)
    file, line = (place[1], int(place[2])) if place else (None, None)
    return case(f"{target}::{name}", status, file=file, line=line, message=message)
