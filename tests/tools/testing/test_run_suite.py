"""Real runners on real little repositories."""

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from glmcode_sandbox.local import LocalSandbox
from glmcode_tools.base import ToolContext
from glmcode_tools.run_tests import RunTestsArguments, RunTestsTool
from glmcode_tools.testing.report import NoTests, TestReport
from glmcode_tools.testing.run import run_suite
from tests.tools.conftest import write_files

PYTEST = {
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-x -q'\n",
    "tests/test_a.py": (
        "import pytest\n\nfrom calc import add\n\n\nclass TestAdd:\n"
        "    @pytest.mark.parametrize('n', [1, 2])\n"
        "    def test_one(self, n):\n        assert add(n, 1) == 2\n"
        "\n\n@pytest.mark.skip\ndef test_skipped(): ...\n\n\n"
        "def test_last():\n    pass\n"
    ),
    "tests/test_bad.py": "import not_there\n",
    "calc.py": "def add(a, b):\n    return a + b\n",
}
UNITTEST = {
    "tests/test_a.py": (
        "import unittest\n\nclass A(unittest.TestCase):\n    def test_ok(self): pass\n    def test_bad(self):\n"
        "        self.assertEqual(1, 2)\n    def test_sub(self):\n        for i in range(3):\n"
        "            with self.subTest(i=i):\n                self.assertNotEqual(i, 1)\n"
        "    @unittest.skip('why')\n    def test_skip(self): pass\n"
        "    @unittest.expectedFailure\n    def test_expected(self): self.fail()\n\n"
        "class B(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls): raise OSError('no')\n"
        "    def test_b(self): pass\n"
    ),
    "tests/test_broken.py": "import not_there\n",
    "pkg/__init__.py": "",
    "pkg/test_in.py": "import unittest\nclass C(unittest.TestCase):\n    def test_c(self): pass\n",
}
UNITTEST_OUTCOMES = {
    "tests/test_a.py::A::test_ok": "passed",
    "tests/test_a.py::A::test_bad": "failed",
    "tests/test_a.py::A::test_sub": "failed",
    "tests/test_a.py::A::test_skip": "skipped",
    "tests/test_a.py::A::test_expected": "skipped",
    "tests/test_a.py::B::setUpClass": "error",
    "tests/test_broken.py": "error",
    "pkg/test_in.py::C::test_c": "passed",
}


def outcomes(report: TestReport | NoTests) -> dict[str, str]:
    assert isinstance(report, TestReport), report
    return {item.id: item.status for item in report.cases}


async def test_pytest_runs_everything_despite_errors_and_x(repository: Path, local: LocalSandbox) -> None:
    write_files(repository, PYTEST)
    report = await run_suite(local)
    assert outcomes(report) == {
        "tests/test_bad.py": "error",
        "tests/test_a.py::TestAdd::test_one[1]": "passed",
        "tests/test_a.py::TestAdd::test_one[2]": "failed",
        "tests/test_a.py::test_skipped": "skipped",
        "tests/test_a.py::test_last": "passed",
    }
    assert isinstance(report, TestReport)
    assert (report.runner, report.complete, report.exit_code) == ("pytest", True, 1)
    assert [item.file for item in report.collection_errors] == ["tests/test_bad.py"]
    failed = next(item for item in report.cases if item.status == "failed")
    assert (failed.file, failed.line) == ("tests/test_a.py", 9)
    assert "assert 3 == 2" in failed.message
    assert not (repository / ".pytest_cache").exists()


async def test_pytest_runs_chosen_ids_only(repository: Path, local: LocalSandbox) -> None:
    write_files(repository, PYTEST)
    for command in (None, "python3 -m pytest -q", "python3 -m pytest tests/test_a.py"):
        report = await run_suite(local, command=command, ids=["tests/test_a.py::TestAdd"])
        assert set(outcomes(report)) == {f"tests/test_a.py::TestAdd::test_one[{n}]" for n in (1, 2)}, command


async def test_id_that_does_not_exist_is_an_error(repository: Path, local: LocalSandbox) -> None:
    write_files(repository, PYTEST)
    report = await run_suite(local, ids=["tests/test_a.py::test_nope"])
    assert set(outcomes(report).values()) == {"error"}
    assert isinstance(report, TestReport)
    assert "not found" in report.cases[0].message


async def test_options_of_missing_plugins_are_left_out(repository: Path, local: LocalSandbox) -> None:
    write_files(repository, {"pytest.ini": "[pytest]\naddopts = --cov=nothing\n", "test_a.py": "def test_a(): pass\n"})
    assert outcomes(await run_suite(local)) == {"test_a.py::test_a": "passed"}


async def test_broken_file_is_reported_for_the_ids_in_it(repository: Path, local: LocalSandbox) -> None:
    write_files(repository, PYTEST)
    report = await run_suite(local, command="python3 -m pytest tests", ids=["tests/test_bad.py::test_x"])
    assert outcomes(report) == {"tests/test_bad.py": "error"}


@pytest_asyncio.fixture
async def bare(repository: Path, tmp_path: Path) -> AsyncIterator[LocalSandbox]:
    """A place whose Python has nothing installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in Path("/usr/bin").iterdir():
        if not program.name.startswith("py"):
            (folder / program.name).symlink_to(program)
    (folder / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    (folder / "python3").chmod(0o755)
    sandbox = LocalSandbox([], str(repository), env={"PATH": str(folder)})
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.close()


async def test_unittest_where_there_is_no_pytest(repository: Path, bare: LocalSandbox) -> None:
    write_files(repository, UNITTEST)
    report = await run_suite(bare)
    assert outcomes(report) == UNITTEST_OUTCOMES
    assert isinstance(report, TestReport)
    assert (report.runner, report.complete) == ("unittest", True)
    bad = next(item for item in report.cases if item.id.endswith("test_bad"))
    assert (bad.file, bad.line) == ("tests/test_a.py", 6)
    assert "AssertionError: 1 != 2" in bad.message
    picked = await run_suite(bare, ids=["tests/test_a.py::A::test_ok", "pkg.test_in"])
    assert outcomes(picked) == {"tests/test_a.py::A::test_ok": "passed", "pkg/test_in.py::C::test_c": "passed"}


async def test_tests_that_only_pytest_finds_are_no_empty_suite(repository: Path, bare: LocalSandbox) -> None:
    write_files(repository, {"conftest.py": "", "test_a.py": "def test_a(): pass\n"})
    report = await run_suite(bare)
    assert isinstance(report, NoTests) and "has no pytest" in report.reason


async def test_unittest_that_ends_the_interpreter_is_incomplete(repository: Path, bare: LocalSandbox) -> None:
    text = "import os, unittest\nclass A(unittest.TestCase):\n    def test_a(self): os._exit(3)\n"
    write_files(repository, {"test_a.py": text})
    report = await run_suite(bare)
    assert isinstance(report, TestReport)
    assert not report.complete
    assert outcomes(report) == {"python3 -m unittest": "error"}


async def test_repository_for_pytest_without_pytest_says_so(repository: Path, bare: LocalSandbox) -> None:
    write_files(repository, {"pytest.ini": "[pytest]\n"})
    found = await run_suite(bare)
    assert isinstance(found, NoTests)
    assert "pytest" in found.reason


@pytest.mark.parametrize("code", [0, 1])
async def test_unknown_command_is_one_test(local: LocalSandbox, code: int) -> None:
    report = await run_suite(local, command=f"echo said; exit {code}")
    assert outcomes(report) == {f"echo said; exit {code}": "failed" if code else "passed"}
    assert isinstance(report, TestReport)
    assert report.runner == "command"
    assert report.output_tail == "said\n"


async def test_failure_beside_the_tests_is_a_case(repository: Path, local: LocalSandbox) -> None:
    write_files(repository, {"test_a.py": "def test_a(): pass\n"})
    command = "python3 -m pytest -q && false"
    assert outcomes(await run_suite(local, command=command)) == {"test_a.py::test_a": "passed", command: "error"}


async def test_verbose_unittest_command_is_read(repository: Path, local: LocalSandbox) -> None:
    write_files(repository, UNITTEST)
    report = await run_suite(local, command="python3 -m unittest -v pkg.test_in")
    assert outcomes(report) == {"pkg.test_in.C::test_c": "passed"}


async def test_timeout_is_told_and_nothing_is_left(repository: Path, local: LocalSandbox) -> None:
    write_files(repository, {"test_a.py": "import time\ndef test_a(): time.sleep(60)\n"})
    report = await run_suite(local, command="python3 -m pytest", timeout_s=2)
    assert isinstance(report, TestReport)
    assert (report.timed_out, report.complete, report.exit_code) == (True, False, 124)


async def test_report_folder_is_removed(local: LocalSandbox) -> None:
    seen = await run_suite(local, command="ls -d /tmp/glmcode-tests-*; echo $PYTEST_ADDOPTS")
    assert isinstance(seen, TestReport)
    option = next(word for word in seen.output_tail.split() if word.startswith("--junitxml="))
    folder = Path(option.removeprefix("--junitxml=")).parent
    assert str(folder) in seen.output_tail.splitlines()
    assert not folder.exists()


async def test_empty_repository_has_no_tests(local: LocalSandbox) -> None:
    found = await run_suite(local)
    assert isinstance(found, NoTests)
    assert "--test-command" in found.reason


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
async def test_node(repository: Path, local: LocalSandbox) -> None:
    test = "const {{test, describe, it}} = require('node:test');\nconst assert = require('assert');\n{}\n"
    write_files(
        repository,
        {
            "package.json": '{"scripts": {"test": "node --test"}}',
            "test/a.test.js": test.format("test('top', () => { assert.equal(1, 2) });"),
            "test/b.test.js": test.format("describe('grp', () => { it('in', () => {}); it.skip('out', () => {}) });"),
            "test/c.test.js": "require('./nothing')\n",
        },
    )
    report = await run_suite(local)
    assert outcomes(report) == {
        "test/a.test.js::top": "failed",
        "test/b.test.js::grp > in": "passed",
        "test/b.test.js::grp > out": "skipped",
        "test/c.test.js": "error",
    }
    assert isinstance(report, TestReport)
    assert (report.cases[0].line, report.complete) == (3, True)
    picked = await run_suite(local, ids=["test/b.test.js::grp > in"])
    assert outcomes(picked) == {"test/b.test.js::grp > in": "passed"}


@pytest.mark.skipif(shutil.which("cargo") is None, reason="no cargo here")
async def test_cargo(repository: Path, local: LocalSandbox) -> None:
    source = (
        "pub fn add(a: i32, b: i32) -> i32 { a + b }\n#[cfg(test)]\nmod tests {\n    use super::*;\n"
        "    #[test] fn good() { assert_eq!(add(1, 1), 2) }\n    #[test] fn bad() { assert_eq!(add(1, 1), 3) }\n}\n"
    )
    manifest = '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n[lib]\ndoctest = false\n'
    write_files(repository, {"Cargo.toml": manifest, "src/lib.rs": source})
    report = await run_suite(local)
    assert outcomes(report) == {
        "small/src/lib.rs::tests::good": "passed",
        "small/src/lib.rs::tests::bad": "failed",
    }
    assert isinstance(report, TestReport)
    assert next(item.line for item in report.cases if item.status == "failed") == 6
    picked = await run_suite(local, ids=["small/src/lib.rs::tests::good"])
    assert outcomes(picked) == {"small/src/lib.rs::tests::good": "passed"}
    (repository / "src/lib.rs").write_text("pub fn add( {}\n")
    assert outcomes(await run_suite(local)) == {"cargo build": "error"}


async def test_tool_shows_counts_and_failures(repository: Path, context: ToolContext) -> None:
    write_files(repository, PYTEST)
    output = await RunTestsTool().run(RunTestsArguments(), context)
    assert output.summary == "tests: 2 passed, 1 failed, 1 error, 1 skipped"
    assert not output.is_error
    assert "FAILED tests/test_a.py::TestAdd::test_one[2] (tests/test_a.py:9)\n" in output.text
    assert "ERROR tests/test_bad.py" in output.text
    assert "ModuleNotFoundError" in output.text
    assert "PASSED" not in output.text
    assert output.details is not None
    assert output.details["failing"] == ["tests/test_a.py::TestAdd::test_one[2]", "tests/test_bad.py"]


async def test_tool_without_tests_says_what_to_do(context: ToolContext) -> None:
    output = await RunTestsTool().run(RunTestsArguments(), context)
    assert output.is_error
    assert "--test-command" in output.text


@pytest.mark.parametrize("command", ["python3 -m unittest", "python3 -W ignore -m unittest discover -s tests -t ."])
async def test_a_plain_unittest_command_names_its_tests(repository: Path, local: LocalSandbox, command: str) -> None:
    tests = "    def test_ok(self): pass\n    def test_bad(self): self.fail()\n"
    body = f"import unittest\n\nclass A(unittest.TestCase):\n{tests}"
    write_files(repository, {"tests/__init__.py": "", "tests/test_a.py": body})
    report = await run_suite(local, command=command)
    assert outcomes(report) == {"tests.test_a.A::test_ok": "passed", "tests.test_a.A::test_bad": "failed"}
