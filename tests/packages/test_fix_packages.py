"""`glmcode fix` on real packages with a real bug: their own tests, in a container, prove what was played."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.packages.case import PackageCase, Play, load_cases
from tests.packages.play import KEY, FixRun, endpoint, run_fix
from tests.packages.sdist import NoRegistry, commit_all, fetch_sdist, git, unpack

pytestmark = [pytest.mark.packages, pytest.mark.docker, pytest.mark.timeout(600)]

PLAYS = [pytest.param(case, play, id=f"{case.name}-{play.verdict}") for case in load_cases() for play in case.plays]


@dataclass(frozen=True, slots=True)
class Checkout:
    """The package as a user has it: a repository with one commit."""

    repo: Path
    commit: str


def _check_out(case: PackageCase, cache: Path, folder: Path) -> Checkout:
    try:
        archive = fetch_sdist(case.name, case.version, case.sha256, cache)
    except NoRegistry as error:
        pytest.skip(str(error))
    repo = unpack(archive, folder)
    commit = commit_all(repo)
    with (repo / ".git/info/exclude").open("a", encoding="utf-8") as exclude:
        exclude.write(".glmcode/\n")
    (repo / ".glmcode").mkdir()
    # JSON strings are TOML strings.
    (repo / ".glmcode/config.toml").write_text(f"setup = {json.dumps(case.setup)}\n", encoding="utf-8")
    return Checkout(repo, commit)


@pytest.mark.parametrize(("case", "play"), PLAYS)
async def test_fix_ends_as_the_tests_of_the_package_say(
    case: PackageCase, play: Play, sdist_cache: Path, sandbox_image: str, tmp_path: Path
) -> None:
    checkout = _check_out(case, sdist_cache, tmp_path / "src")
    home = tmp_path / "home"
    home.mkdir()
    record = tmp_path / "requests.jsonl"
    async with endpoint(case.folder / play.script, play.flavor, record) as base_url:
        run = await run_fix(
            case.issue_file, checkout.repo, base_url=base_url, image=sandbox_image, home=home, out=tmp_path / "out"
        )
    assert run.exit_code == play.exit_code, run.stderr
    _check_result(run, case, play, checkout)
    _check_reports(run, case, play)
    _check_patch(run, play, checkout, tmp_path)
    _check_requests(record, case, play)
    _check_key_kept(run, home)


def _check_result(run: FixRun, case: PackageCase, play: Play, checkout: Checkout) -> None:
    result = run.result
    assert (result["kind"], result["status"], result["exit_code"]) == ("result", "done", play.exit_code)
    assert result["verdict"] == play.verdict, result["reason"]
    assert result["base_commit"] == checkout.commit
    tests = result["tests"]
    assert set(tests["fixed"]) == set(play.fixed)
    assert set(tests["broken"]) == set(play.broken)
    assert tests["before"]["passed"] >= case.least_tests
    if play.verdict != "none":
        # What failed before for reasons of its own may go on failing; what the play breaks comes on top.
        assert set(tests["after"]["ids_failed"]) == set(tests["before"]["ids_failed"]) | set(play.broken)
        assert tests["after"]["passed"] >= case.least_tests
    assert json.loads((run.out / "result.json").read_text(encoding="utf-8")) == result


def _check_reports(run: FixRun, case: PackageCase, play: Play) -> None:
    """The JUnit files hold the whole suite, as other tools would read it."""
    names = ["junit-before.xml"] if play.verdict == "none" else ["junit-before.xml", "junit-after.xml"]
    for name in names:
        cases = list(ElementTree.parse(run.out / name).iter("testcase"))
        assert len(cases) >= case.least_tests
        if name == "junit-after.xml":
            failed = [each for each in cases if each.find("failure") is not None or each.find("error") is not None]
            assert len(failed) == len(run.result["tests"]["after"]["ids_failed"])


def _check_patch(run: FixRun, play: Play, checkout: Checkout, tmp_path: Path) -> None:
    """The patch applies to the base commit; the user's files follow it when, and only when, it is verified."""
    patch = run.out / "patch.diff"
    changed = git(checkout.repo, "status", "--porcelain")
    if play.verdict == "none":
        assert not patch.read_bytes()
        assert changed == ""
        return
    fresh = tmp_path / "fresh"
    git(tmp_path, "clone", "-q", str(checkout.repo), str(fresh))
    git(fresh, "checkout", "-q", checkout.commit)
    git(fresh, "apply", "--check", str(patch))
    git(fresh, "apply", str(patch))
    files = set(_changed_files(fresh))
    assert files == set(run.result["files_changed"])
    if play.verdict == "verified":
        assert git(checkout.repo, "diff", "HEAD") == git(fresh, "diff", "HEAD")
    else:
        assert changed == ""


def _changed_files(repo: Path) -> Iterator[str]:
    for line in git(repo, "status", "--porcelain").splitlines():
        yield line[3:]


def _check_requests(record: Path, case: PackageCase, play: Play) -> None:
    """The model was told the issue in its own words, and every answer of the script was asked for once."""
    requests = [json.loads(line)["body"] for line in record.read_text(encoding="utf-8").splitlines()]
    title = case.issue_file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert any(title in message["content"] for message in requests[0]["messages"])
    assert len(requests) == len(yaml.safe_load((case.folder / play.script).read_text(encoding="utf-8")))


def _check_key_kept(run: FixRun, home: Path) -> None:
    assert KEY not in run.stdout + run.stderr
    for folder in (run.out, home):
        for path in folder.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
