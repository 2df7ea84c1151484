"""The text of `python -m unittest -v` and of Django's test command at verbosity 2."""

import re

from glmcode_tools.testing.report import Status, TestCase, case

_TEST = re.compile(r"(\w+) \(([\w.<>]+)\)(?: \.\.\. ?(.*))?")
_END = re.compile(r"(?:.*\.\.\. ?|.*?)(ok|FAIL|ERROR|skipped .*|expected failure|unexpected success)")
_SECTION = re.compile(r"(FAIL|ERROR): (\w+) \(([\w.<>]+)\).*")
_RAN = re.compile(r"(?m)^Ran (\d+) tests? in [\d.]+s$")
_PLACE = re.compile(r'File "(?!/usr/|<)([^"]+)", line (\d{1,7})')
_RULE = re.compile(r"[=-]{60,}")
_WORDS: dict[str, Status] = {"ok": "passed", "FAIL": "failed", "ERROR": "error", "unexpected success": "failed"}


def parse_unittest(text: str) -> tuple[list[TestCase], bool] | None:
    """The cases and whether all tests that ran are among them, or None when the text is no verbose unittest run.

    An id is `module.Class::test`, as the text names no files.
    """
    ran = _RAN.search(text)
    if ran is None:
        return None
    outcomes = _outcomes(text[: ran.start()].split("\n"))
    if not outcomes:
        return None
    messages = _messages(text[: ran.start()])
    for key in messages:
        outcomes.setdefault(key, "error")
    cases = [_case(key, status, messages.get(key, "")) for key, status in outcomes.items()]
    return cases, len(outcomes) >= int(ran[1])


def _outcomes(lines: list[str]) -> dict[str, Status]:
    outcomes: dict[str, Status] = {}
    pending: str | None = None
    for line in lines:
        if _RULE.fullmatch(line):
            break
        rest: str | None = line
        if test := _TEST.fullmatch(line):
            pending, rest = _key(test[1], test[2]), test[3]
        if pending and rest and (end := _END.fullmatch(rest)):
            outcomes[pending] = _WORDS.get(end[1], "skipped")
            pending = None
    return outcomes


def _messages(text: str) -> dict[str, str]:
    messages: dict[str, list[str]] = {}
    section: list[str] | None = None
    for line in text.split("\n"):
        if found := _SECTION.fullmatch(line):
            section = messages.setdefault(_key(found[2], found[3]), [])
        elif section is not None and not _RULE.fullmatch(line):
            section.append(line)
    return {key: "\n".join(lines).strip() for key, lines in messages.items()}


def _key(name: str, owner: str) -> str:
    """Python 3.11 and newer repeat the test's name behind its class."""
    return f"{owner.removesuffix(f'.{name}')}::{name}"


def _case(key: str, status: Status, message: str) -> TestCase:
    places = [place for place in _PLACE.findall(message) if "site-packages" not in place[0]]
    file, line = (places[-1][0], int(places[-1][1])) if places else (None, None)
    return case(key, status, file=file, line=line, message=message)
