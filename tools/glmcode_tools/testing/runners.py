"""The runners that are known: how each is told to write a report, and to run only some tests."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

RunnerName = Literal[
    "pytest", "unittest", "django", "vitest", "jest", "mocha", "node", "go", "cargo", "maven", "gradle", "command"
]

MAX_IDS_CHARS = 60_000
"""More ids than this are not put on a command line: everything runs, and the rest is left out afterwards."""

_PLAIN_UNITTEST = re.compile(
    r"\S*python[\d.]*(?:\s+-(?:[WX]\s*\S+|[a-zA-Z]+))*?\s+-m\s+unittest(?:\s+[^;&|<>$`()\n]+)?"
)
_PLAIN_PYTEST = re.compile(
    r"(?:[\w./-]+ -m |(?:uv|poetry|pdm|hatch) run )?(?:[\w./-]*/)?(?:pytest|py\.test)(?: -[\w=.:,/-]+)*"
)


@dataclass(frozen=True, slots=True)
class Runner:
    """One way to run a repository's tests."""

    name: RunnerName
    """`command` for a command whose runner is only seen from what it prints."""
    command: str
    """For people; run as it is where the runner needs no options of ours."""
    python: str | None = None
    module: str = ""
    """The Go module's path."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A shell script that runs tests and leaves reports in its folder."""

    script: str
    env: dict[str, str]


def invocation(runner: Runner, folder: str, ids: Sequence[str]) -> Invocation:
    """How to run `ids` (all when empty) with `runner`, reports going to `folder` (an absolute path in the sandbox)."""
    if sum(map(len, ids)) > MAX_IDS_CHARS:
        ids = ()
    env = {"PYTEST_ADDOPTS": pytest_options(folder), "CARGO_TERM_COLOR": "never", "FORCE_COLOR": "0"}
    return Invocation(_script(runner, folder, tuple(ids)), env)


def pytest_options(folder: str) -> str:
    """Options for every pytest under a command: a report, no cache in the workspace, no stop at the first failure."""
    return (
        f"--junitxml={folder}/pytest.xml -o junit_family=xunit1 -o cache_dir={folder}/cache "
        "--continue-on-collection-errors --maxfail=0"
    )


def _script(runner: Runner, folder: str, ids: tuple[str, ...]) -> str:
    quoted = " ".join(map(shlex.quote, ids))
    match runner.name:
        case "pytest":
            return f"{runner.command} --rootdir=. {f'-- {quoted}' if ids else ''}"
        case "unittest":
            return f"{runner.python} -c {shlex.quote(_source('unittest_junit.py'))} {folder}/unittest.xml {quoted}"
        case "go":
            return _go(ids)
        case "cargo":
            names = " ".join(shlex.quote(each.partition("::")[2]) for each in ids if "::" in each)
            return f"{runner.command} -- --exact {names}" if names else runner.command
        case "maven" | "gradle":
            return _java(runner, ids)
        case "vitest" | "jest" | "mocha" | "node":
            return _javascript(runner, folder, sorted({each.partition("::")[0] for each in ids}))
        case "django":
            return f"{runner.command} {' '.join(shlex.quote(each.replace('::', '.')) for each in ids)}"
        case "command":
            return _with_ids(runner.command, quoted)


def _go(ids: tuple[str, ...]) -> str:
    if not ids:
        return "go test -json ./..."
    packages = sorted({each.partition("::")[0] for each in ids})
    tops = sorted({each.partition("::")[2].partition("/")[0] for each in ids if "::" in each})
    only = f"-run {shlex.quote('^(' + '|'.join(map(re.escape, tops)) + ')$')} " if tops else ""
    return f"go test -json {only}-- {' '.join(map(shlex.quote, packages))}".replace("-- ", "")


def _java(runner: Runner, ids: tuple[str, ...]) -> str:
    """Ids are `package.Class::method`; a parameter list behind the method is no part of a selection."""
    names = [(owner, re.split(r"[(\[{]", method)[0]) for owner, _, method in (each.partition("::") for each in ids)]
    if runner.name == "gradle":
        picks = " ".join(f"--tests {shlex.quote(f'{owner}.{name}' if name else owner)}" for owner, name in names)
        return f"{runner.command} {picks}"
    only = ",".join(f"{owner}#{name}" if name else owner for owner, name in names)
    quiet = "-DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false"
    return f"{runner.command} -Dtest={shlex.quote(only)} {quiet}" if only else runner.command


def _javascript(runner: Runner, folder: str, only: list[str]) -> str:
    """Files are the finest selection that all four share."""
    picked = " ".join(shlex.quote(path if path.startswith("/") else f"./{path}") for path in only)
    match runner.name:
        case "vitest":
            plain = " ".join(map(shlex.quote, only))
            return (
                f"{runner.command} --reporter=default --reporter=junit --outputFile.junit={folder}/vitest.xml {plain}"
            )
        case "jest":
            paths = f"--runTestsByPath {picked}" if only else ""
            return f"{runner.command} --ci --json --outputFile={folder}/jest.json --testLocationInResults {paths}"
        case "mocha":
            return f"{runner.command} --reporter xunit --reporter-option output={folder}/mocha.xml {picked}"
        case _:
            base = f"node --test {picked}" if only else runner.command
            reporter = f"{folder}/reporter.mjs"
            options = (
                f"--test --test-reporter={reporter} --test-reporter-destination={folder}/node.jsonl "
                "--test-reporter=spec --test-reporter-destination=stdout"
            )
            source = shlex.quote(_source("node_reporter.mjs"))
            return f"printf %s {source} > {reporter} && {base.replace('--test', options, 1)}"


def _with_ids(command: str, quoted: str) -> str:
    """The user's command, with ids where it plainly is pytest with options only; else it runs as a whole."""
    if quoted and is_plain_pytest(command):
        return f"{command} -- {quoted}"
    if _PLAIN_UNITTEST.fullmatch(command.strip()):
        return f"{command} -v"  # without it unittest names only the tests that fail
    return command


def is_plain_pytest(command: str) -> bool:
    """Whether ids may be put behind `command`: one pytest call without positional arguments or shell syntax."""
    return _PLAIN_PYTEST.fullmatch(command.strip()) is not None


@cache
def _source(name: str) -> str:
    return files("glmcode_tools.testing").joinpath(name).read_text("utf-8")
