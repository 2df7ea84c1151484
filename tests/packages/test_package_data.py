"""The package data itself: complete, small, sourced; and the played fix is the one that was released."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.packages.case import DATA, PackageCase, Play, load_cases
from tests.packages.sdist import NoRegistry, fetch_sdist, unpack

TOOLS = {"read", "write", "edit", "glob", "grep", "shell", "run_tests", "todo"}
CASES = [pytest.param(case, id=case.name) for case in load_cases()]
PLAYS = [pytest.param(case, play, id=f"{case.name}-{play.script}") for case in load_cases() for play in case.plays]


def _calls(case: PackageCase, play: Play) -> Iterator[tuple[str, dict[str, Any]]]:
    for answer in yaml.safe_load((case.folder / play.script).read_text(encoding="utf-8")):
        for call in answer.get("tool_calls", ()):
            yield call["name"], call["arguments"]


def test_there_are_packages_of_different_layouts() -> None:
    assert len({case.layout for case in load_cases()}) >= 3


def test_every_script_belongs_to_a_play() -> None:
    stored = {str(path.relative_to(DATA)) for path in DATA.glob("*/*.yaml")}
    assert stored == {f"{case.name}/{play.script}" for case in load_cases() for play in case.plays}


@pytest.mark.parametrize("case", CASES)
def test_issue_has_title_text_and_source(case: PackageCase) -> None:
    text = case.issue_file.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert 200 < len(text) < 4000
    assert case.licence and case.issue.licence


@pytest.mark.parametrize(("case", "play"), PLAYS)
def test_script_is_a_list_of_answers_that_ends_in_words(case: PackageCase, play: Play) -> None:
    answers = yaml.safe_load((case.folder / play.script).read_text(encoding="utf-8"))
    assert all(set(answer) <= {"reasoning", "content", "tool_calls"} for answer in answers)
    assert answers[-1].get("content") and "tool_calls" not in answers[-1]
    assert {name for name, _ in _calls(case, play)} <= TOOLS


@pytest.mark.parametrize(("case", "play"), PLAYS)
def test_script_holds_only_small_edits(case: PackageCase, play: Play) -> None:
    sizes = [len(arguments["old"] + arguments["new"]) for name, arguments in _calls(case, play) if name == "edit"]
    assert all(size < 1200 for size in sizes)


@pytest.mark.packages
@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", CASES)
def test_played_fix_is_the_one_that_was_released(case: PackageCase, sdist_cache: Any, tmp_path: Any) -> None:
    try:
        old = unpack(fetch_sdist(case.name, case.version, case.sha256, sdist_cache), tmp_path / "old")
        release = case.release
        new = unpack(fetch_sdist(case.name, release.version, release.sha256, sdist_cache), tmp_path / "new")
    except NoRegistry as error:
        pytest.skip(str(error))
    for name, arguments in _calls(case, case.plays[0]):
        if name == "edit":
            file = old / arguments["path"]
            text = file.read_text(encoding="utf-8")
            assert text.count(arguments["old"]) == 1
            file.write_text(text.replace(arguments["old"], arguments["new"]), encoding="utf-8")
    for path in case.release.files:
        assert (old / path).read_bytes() == (new / path).read_bytes()
