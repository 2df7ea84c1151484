import asyncio
import json
import time
from pathlib import Path

import pytest

from glmcode.editor.problem_lines import lines_of
from glmcode.events import TurnFinished
from glmcode.fix.verdict import Judgement
from glmcode.fix.verify import Verification
from glmcode.headless.findings import Findings
from glmcode.headless.places import Place, Places
from glmcode.headless.problems import Problem, find_problems, findings_in, problems_of, summary
from glmcode.headless.sarif import sarif_text
from glmcode_engine.messages import Usage
from glmcode_tools.testing.report import TestCase, TestReport, case

TEST = "import calc\n\n\nclass TestCalc:\n    def test_add(self):\n        assert calc.add(1, 2) == 3\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for name, text in {"tests/test_calc.py": TEST, "src/calc.py": "def add(a, b):\n    return a - b\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def report(*cases: TestCase) -> TestReport:
    return TestReport(command="pytest", runner="pytest", cases=cases, exit_code=1, duration_s=1.0)


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (case("tests/test_calc.py::TestCalc::test_add", "failed", file="tests/test_calc.py", line=6), (6, 9)),
        (case("tests/test_calc.py::TestCalc::test_add", "failed", file="tests/test_calc.py"), (5, 5)),
        (case("tests/test_calc.py::TestCalc::test_add[1-2]", "failed"), (5, 5)),
        (case("tests.test_calc.TestCalc::test_add", "failed"), (5, 5)),
        (case("test_calc.TestCalc::test_add", "failed", file="/work/x/tests/test_calc.py", line=6), (6, 9)),
        (case("tests/test_calc.py", "error", file="tests/test_calc.py"), (1, 1)),
        (case("tests/test_calc.py::TestCalc::test_add", "failed", file="tests/test_calc.py", line=900), (1, 1)),
        (case("tests/test_calc.py::TestCalc::test_gone", "failed"), (1, 1)),
    ],
)
def test_a_failure_is_where_the_report_says_else_where_the_test_is_defined_else_in_line_one(
    repo: Path, found: TestCase, place: tuple[int, int]
) -> None:
    assert Places(repo).of_case(found) == Place("tests/test_calc.py", *place)


def test_a_failure_without_any_file_is_shown_at_a_file_that_stands_for_the_repository(repo: Path) -> None:
    assert Places(repo).of_case(case("make check", "failed")) == Place(".")
    (repo / "pyproject.toml").write_text("")
    assert Places(repo).of_case(case("make check", "failed")) == Place("pyproject.toml")


def test_no_path_leads_out_of_the_repository(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.py"
    outside.write_text("x = 1\n")
    (repo / "link.py").symlink_to(outside)
    (repo / ".git").mkdir()
    (repo / ".git/config").write_text("x\n")
    places = Places(repo)
    assert [places.known(name) for name in (str(outside), "../secret.py", "link.py", ".git/config")] == [None] * 4


HOSTILE = [
    case(".".join(["a"] * 450), "failed"),
    case("t::x", "failed", file="/".join(["a"] * 5_000)),
    case("/".join(["a"] * 490), "failed"),
]


def test_names_with_hundreds_of_parts_stand_for_no_file_and_cost_nothing(repo: Path) -> None:
    started = time.thread_time()
    assert [Places(repo).of_case(each) for each in HOSTILE * 5] == [Place(".")] * 15
    assert time.thread_time() - started < 1
    deep = repo / "/".join(["d"] * 60)
    deep.mkdir(parents=True)
    (deep / "a.py").write_text("x\n")
    assert Places(repo).known(f"{'d/' * 60}a.py") is None


def test_a_report_of_any_number_of_files_that_are_not_there_is_soon_placed(repo: Path) -> None:
    places = Places(repo)
    assert places.known("src/calc.py") == "src/calc.py"
    started = time.thread_time()
    for number in range(1_500):
        assert places.of_case(case("d." * 35 + f"x{number}", "failed")) == Place(".")
    assert time.thread_time() - started < 5
    assert places.known("src/calc.py") == "src/calc.py"


def test_only_so_many_definitions_are_searched_for(repo: Path) -> None:
    places = Places(repo)
    test = "tests/test_calc.py::TestCalc::test_add"
    assert {places.of_id(test) for _ in range(1_000)} == {Place("tests/test_calc.py", 5, 5)}
    assert places.of_id(test) == Place("tests/test_calc.py")


def ended(answer: str = "") -> TurnFinished:
    return TurnFinished(reason="done", detail="", answer=answer, usage=Usage(), requests=1, steps=1, duration_s=1.0)


ADD = case("tests/test_calc.py::TestCalc::test_add", "failed", file="tests/test_calc.py", line=6, message="E   no")
OK = case("tests/test_calc.py::TestCalc::test_add", "passed", file="tests/test_calc.py", line=6)


def verified(after: TestReport, **more: tuple[str, ...]) -> Verification:
    return Verification(after, Judgement(verdict="failed", reason="r", **more))


def test_errors_are_what_fails_in_the_files_as_they_are_now(repo: Path) -> None:
    applied = Findings("fix", turn=ended(), tests_before=report(ADD), patch=b"p", applied=True)
    applied.verification = verified(report(OK))
    assert problems_of(applied, Places(repo)) == ()
    applied.applied = False
    (problem,) = problems_of(applied, Places(repo))
    assert problem == Problem(Place("tests/test_calc.py", 6, 9), "error", "test_add fails: no", "failing-test")


def test_what_a_change_that_was_not_applied_would_break_is_a_warning(repo: Path) -> None:
    findings = Findings("fix", turn=ended(), tests_before=report(OK), patch=b"p")
    findings.verification = verified(report(ADD), broken=(ADD.id,))
    (problem,) = problems_of(findings, Places(repo))
    assert (problem.severity, problem.place.line) == ("warning", 6)
    assert problem.message == "the change, which was not applied, breaks test_add: no"


def test_a_change_on_the_files_themselves_that_nobody_tested_leaves_no_old_failure(repo: Path) -> None:
    findings = Findings("fix", turn=ended(), tests_before=report(ADD), patch=b"p", applied=True)
    assert problems_of(findings, Places(repo)) == ()


def many_failures() -> Findings:
    cases = [case("d." * 35 + f"x{number}", "failed") for number in range(300)]
    return Findings("fix", turn=ended(), tests_before=report(*cases))


async def test_the_event_loop_goes_on_while_problems_are_looked_for(repo: Path) -> None:
    looking = asyncio.ensure_future(find_problems(many_failures(), repo))
    turns = 0
    while not looking.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 3 and len(looking.result()) == 300


async def test_an_interrupt_while_problems_are_looked_for_loses_none(repo: Path) -> None:
    looking = asyncio.ensure_future(find_problems(many_failures(), repo))
    await asyncio.sleep(0.01)
    assert looking.cancel()
    assert len(await looking) == 300


ANSWER = """I found:
src/calc.py:2:5: error: subtracts
- `src/calc.py:1`: warning: **no** types
* src/calc.py:99: info: past the end
../../etc/passwd:1: error: outside
src/none.py:1: error: no such file
src/calc.py: error: no line
"""


def test_findings_of_an_answer_name_files_that_are_there(repo: Path) -> None:
    found = [
        (each.place.line, each.place.column, each.severity, each.message) for each in findings_in(ANSWER, Places(repo))
    ]
    assert found == [
        (2, 5, "error", "subtracts"),
        (1, 1, "warning", "**no** types"),
        (1, 1, "info", "past the end"),
    ]
    run = Findings("run", turn=ended(ANSWER))
    assert len(problems_of(run, Places(repo))) == 3
    assert problems_of(Findings("fix", turn=ended(ANSWER)), Places(repo)) == ()


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            "def test():\n>   assert 1 == 2\nE   assert 1 == 2\nE    +  where\n\ntest_a.py:3: AssertionError",
            "assert 1 == 2",
        ),
        ('Traceback (most recent call last):\n  File "a", line 1\nAssertionError: 1 != 2', "AssertionError: 1 != 2"),
        ("    calc_test.go:9: got 3, want 4", "calc_test.go:9: got 3, want 4"),
        (
            "thread 'tests::add' panicked at src/lib.rs:9:9:\nassertion `left == right` failed",
            "assertion `left == right` failed",
        ),
        ("", ""),
    ],
)
def test_the_summary_of_a_message_says_what_went_wrong(message: str, line: str) -> None:
    assert summary(message) == line


def test_sarif_holds_the_same_problems_as_the_lines(repo: Path) -> None:
    (repo / "a b%.py").write_text("x\n")
    problems = (
        Problem(Place("a b%.py", 1, 1), "info", "note", "finding"),
        Problem(Place("tests/test_calc.py", 6, 9), "error", "test_add fails", "failing-test"),
    )
    (run,) = json.loads(sarif_text(problems))["runs"]
    (first, second) = run["results"]
    assert first["level"] == "note" and second["message"] == {"text": "test_add fails"}
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b%25.py" and place["region"] == {"startLine": 1, "startColumn": 1}
    assert {each["ruleId"] for each in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert [
        each["message"]["text"] in line
        for each, line in zip(run["results"], lines_of(problems, repo, repo), strict=True)
    ]
