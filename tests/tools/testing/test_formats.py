"""What runners print and write, read from samples and from anything at all."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_tools.testing.formats.cargo import parse_cargo
from glmcode_tools.testing.formats.gotest import parse_go
from glmcode_tools.testing.formats.javascript import parse_jest, parse_node
from glmcode_tools.testing.formats.junit import parse_junit
from glmcode_tools.testing.formats.junit_text import junit_text
from glmcode_tools.testing.formats.pytest_ids import pytest_cases
from glmcode_tools.testing.formats.tap import parse_tap
from glmcode_tools.testing.formats.unittest_text import parse_unittest
from glmcode_tools.testing.recognise import recognise
from glmcode_tools.testing.report import ReportProblem, Status, TestCase, TestReport, case, merge, select
from glmcode_tools.testing.runners import Runner, is_plain_pytest

DATA = Path(__file__).parent.parent / "data"


def outcomes(cases: list[TestCase] | tuple[TestCase, ...] | None) -> dict[str, str]:
    assert cases is not None
    return {item.id: item.status for item in cases}


def test_go_json() -> None:
    cases = parse_go((DATA / "go.jsonl").read_text(), "example.com/m")
    assert outcomes(cases) == {
        "example.com/m/pkg::TestAdd": "failed",
        "example.com/m/pkg::TestSub/case_1": "passed",
        "example.com/m/pkg::TestSkip": "skipped",
        "example.com/m/pkg::TestCutOff": "error",
        "example.com/m/broken": "error",
    }
    assert cases is not None
    assert (cases[0].file, cases[0].line) == ("pkg/add_test.go", 12)
    assert (cases[-1].file, cases[-1].line) == ("broken/b.go", 3)


def test_cargo_text() -> None:
    cases = parse_cargo((DATA / "cargo.txt").read_text())
    assert outcomes(cases) == {
        "foo/src/lib.rs::tests::ign": "skipped",
        "foo/src/lib.rs::tests::ok": "passed",
        "foo/src/lib.rs::tests::pan": "passed",
        "foo/src/lib.rs::tests::bad": "failed",
        "it/tests/it.rs::integ": "passed",
        "foo/doc::src/lib.rs - add (line 1)": "passed",
    }
    assert cases is not None
    bad = next(item for item in cases if item.status == "failed")
    assert (bad.file, bad.line) == ("src/lib.rs", 8)
    assert "left: 3" in bad.message


def test_cargo_build_failure_is_one_error() -> None:
    text = "   Compiling foo\nerror[E0425]: no `x`\n --> src/lib.rs:3:5\n\nerror: could not compile `foo` (lib)\n"
    cases = parse_cargo(text)
    assert cases is not None
    assert [(item.id, item.status, item.file, item.line) for item in cases] == [
        ("cargo build", "error", "src/lib.rs", 3)
    ]


def test_verbose_unittest_text() -> None:
    parsed = parse_unittest((DATA / "unittest.txt").read_text())
    assert parsed is not None
    cases, complete = parsed
    assert complete
    assert outcomes(cases) == {
        "tests.test_a.TestX::test_ok": "passed",
        "tests.test_a.TestX::test_doc": "failed",
        "tests.test_a.TestX::test_prints": "passed",
        "tests.test_a.TestX::test_skip": "skipped",
    }
    failed = next(item for item in cases if item.status == "failed")
    assert (failed.file, failed.line) == ("tests/test_a.py", 12)


def test_tap_with_subtests() -> None:
    text = (DATA / "node.tap").read_text()
    tap = parse_tap(text, "/work/repository")
    assert tap is not None
    assert tap.complete
    assert outcomes(tap.cases) == {"top": "failed", "grp > inner ok": "passed", "grp > sk": "skipped"}
    assert (tap.cases[0].file, tap.cases[0].line) == ("test/a.test.js", 2)
    cut = parse_tap(text.replace("\n1..2\n# tests", "\n1..5\n# tests"))
    assert cut is not None
    assert not cut.complete


def test_surefire_reports_of_several_files_are_put_together() -> None:
    data = (DATA / "surefire.xml").read_bytes()
    other = data.replace(b"FooTest", b"BarTest")
    found = recognise(Runner("maven", "mvn test"), "", {"a/TEST-a.xml": data, "b/TEST-b.xml": other}, "/w")
    assert found.complete
    assert outcomes(found.cases) == {
        f"com.x.{name}::{test}": status
        for name in ("FooTest", "BarTest")
        for test, status in (("good", "passed"), ("bad(int)[1]", "failed"), ("broken", "error"))
    }
    assert "<!DOCTYPE html> at FooTest.java:9" in found.cases[1].message


def test_unreadable_report_makes_the_run_incomplete() -> None:
    data = (DATA / "surefire.xml").read_bytes()
    found = recognise(Runner("maven", "mvn test"), "", {"TEST-a.xml": data, "TEST-b.xml": data[:300]}, "/w")
    assert not found.complete
    assert len(found.cases) == 3


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuites/>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuites/>',
        b"<testsuites>",
        b"",
        b"<a>" * 100 + b"</a>" * 100,
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x><a/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
    ],
)
def test_hostile_and_broken_xml_is_refused(data: bytes) -> None:
    with pytest.raises(ReportProblem):
        parse_junit(data)


def test_pytest_ids_are_node_ids() -> None:
    xml = b"""<testsuites><testsuite name="pytest">
    <testcase classname="tests.test_a.TestX" name="test_p[a.b::c]" file="tests/test_a.py" line="3"/>
    <testcase classname="tests.test_a.TestX.TestInner" name="test_i" file="tests/base.py" line="1"/>
    <testcase classname="tests.test_alone.TestZ" name="test_inherited" file="tests/base.py" line="1"/>
    <testcase classname="tests.test_a" name="test_f" file="tests/test_a.py" line="8"><failure message="m">E  x

tests/test_a.py:11: AssertionError</failure></testcase>
    <testcase classname="" name="tests.test_bad" file="tests/test_bad.py"><error message="m">no</error></testcase>
    <testcase classname="docs.guide.rst" name="guide.rst" file="docs/guide.rst" line="0"/>
    </testsuite></testsuites>"""
    cases = pytest_cases(parse_junit(xml), first_line=0)
    assert [item.id for item in cases] == [
        "tests/test_a.py::TestX::test_p[a.b::c]",
        "tests/test_a.py::TestX::TestInner::test_i",
        "tests/test_alone.py::TestZ::test_inherited",
        "tests/test_a.py::test_f",
        "tests/test_bad.py",
        "docs/guide.rst::guide.rst",
    ]
    assert [item.line for item in cases] == [4, 2, 2, 11, None, 1]


def test_jest_json() -> None:
    report = {
        "testResults": [
            {
                "name": "/w/src/a.test.js",
                "status": "failed",
                "assertionResults": [
                    {"ancestorTitles": ["A", "b"], "title": "works", "status": "passed", "location": {"line": 4}},
                    {"ancestorTitles": [], "title": "breaks", "status": "failed", "failureMessages": ["Error: x"]},
                    {"ancestorTitles": [], "title": "later", "status": "todo"},
                ],
            },
            {"name": "/w/src/b.test.js", "status": "failed", "message": "SyntaxError", "assertionResults": []},
        ]
    }
    cases = parse_jest(json.dumps(report).encode(), "/w")
    assert outcomes(cases) == {
        "src/a.test.js::A > b > works": "passed",
        "src/a.test.js::breaks": "failed",
        "src/a.test.js::later": "skipped",
        "src/b.test.js": "error",
    }


def test_worst_of_several_outcomes_is_kept() -> None:
    statuses: tuple[Status, ...] = ("passed", "failed", "error", "skipped", "passed")
    assert [item.status for item in merge(case("a", status) for status in statuses)] == ["failed"]


def test_ids_select_what_lies_under_them() -> None:
    cases = [case(name, "passed") for name in ("t/a.py::X::y", "t/a.py::X::y[1]", "t/ab.py::z", "t/a.py")]
    assert len(select(cases, ["t/a.py"])) == 3
    assert [item.id for item in select(cases, ["t/a.py::X::y"])] == ["t/a.py::X::y", "t/a.py::X::y[1]"]
    assert len(select(cases, ["t/"])) == 4
    assert len(select(cases, [])) == 4


@pytest.mark.parametrize(
    ("command", "plain"),
    [
        ("pytest -q", True),
        ("python3 -m pytest -x --tb=short", True),
        (".venv/bin/python -m pytest", True),
        ("uv run pytest -q", True),
        ("pytest tests", False),
        ("pytest -k 'a b'", False),
        ("pytest -q && mypy", False),
        ("pytest -q; rm x", False),
        ("make test", False),
    ],
)
def test_ids_are_only_put_behind_plain_pytest(command: str, plain: bool) -> None:
    assert is_plain_pytest(command) is plain


STATUSES = st.sampled_from(["passed", "failed", "error", "skipped"])


@given(st.lists(st.builds(lambda i, s, m: case(i, s, message=m), st.text(max_size=20), STATUSES, st.text(max_size=50))))
def test_written_reports_are_read_back(cases: list[TestCase]) -> None:
    report = TestReport(command="c", runner="r", cases=merge(cases), exit_code=1, duration_s=0.5)
    read = parse_junit(junit_text(report).encode())
    expected = [item.id.rpartition("::") for item in report.cases]
    assert [(item.classname, item.name) for item in read] == [(owner, name) for owner, _, name in expected]
    assert [item.status for item in read] == [item.status for item in report.cases]


@given(st.text() | st.text(alphabet='{}":,Actionpasfl \n1.ok#-> tes(.)FAIL=R'))
def test_any_text_is_read_or_left(text: str) -> None:
    for found in (parse_go(text), parse_cargo(text), parse_tap(text), parse_unittest(text)):
        assert found is None or found
    for line in text.split("\n"):
        parse_go('{"Action":"fail","Package":"p","Test":' + json.dumps(line) + "}")


@given(
    st.binary() | st.text().map(lambda t: f"<testsuite><testcase name='{t}'/></testsuite>".encode("utf-8", "replace"))
)
def test_any_report_is_read_or_refused(data: bytes) -> None:
    for parse in (parse_junit, lambda d: parse_jest(d, "/w"), lambda d: parse_node(d, "/w")):
        try:
            parse(data)
        except ReportProblem as problem:
            assert str(problem)


def test_a_file_too_long_to_be_a_path_is_left_out() -> None:
    assert case("t", "failed", file="a/" * 511 + "b").file == "a/" * 511 + "b"
    assert case("t", "failed", file="a/" * 5_000 + "b").file is None
