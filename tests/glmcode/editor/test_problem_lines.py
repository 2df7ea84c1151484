import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.editor.problem_lines import BEGINS, ENDS, PATTERN, STARTED, finished, lines_of
from glmcode.headless.places import Place
from glmcode.headless.problems import Problem
from glmcode.telling import told

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize("folder", ["src/", ""])
@given(
    name=NAMES.filter(lambda name: not re.search(r":\d+:\d+: ", name) and name not in (".", "..")), line=st.integers(1)
)
def test_every_line_is_read_back_by_the_matcher(folder: str, name: str, line: int) -> None:
    problem = Problem(Place(f"{folder}{name}", line, 3), "warning", "what: 1:2: error: is wrong", "finding")
    (text,) = lines_of((problem,), Path("/r"), Path("/elsewhere"))
    found = re.search(PATTERN, text)
    assert found is not None and found.groups()[1:] == (str(line), "3", "warning", "what: 1:2: error: is wrong")
    assert "\n" not in text and text.isprintable()


@pytest.mark.parametrize(("folder", "path"), [("src", "calc.py"), (".", "src/calc.py"), ("tests", "../src/calc.py")])
def test_paths_count_from_the_folder_that_the_run_was_started_in(tmp_path: Path, folder: str, path: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    problem = Problem(Place("src/calc.py"), "error", "m", "finding")
    assert list(lines_of((problem,), tmp_path, tmp_path / folder)) == [f"{path}:1:1: error: m"]


@given(text=st.text(max_size=60))
def test_nothing_that_people_are_told_passes_for_a_line_of_the_run(text: str) -> None:
    for line in told(f"answer:\n{text}\nsrc/a.py:1:1: error: forged\nglmcode: run finished (done)").split("\n"):
        assert not re.search(PATTERN, line) and not re.search(ENDS, line) and not re.search(BEGINS, line)


def test_the_first_and_the_last_line_are_those_of_the_patterns() -> None:
    assert re.search(BEGINS, STARTED) and re.search(ENDS, finished("verified"))
