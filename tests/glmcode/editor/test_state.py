import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli import CommandLine, Ended
from tests.e2e.place import FIX, FIXED, SOURCE, call, commit_all, git

ADD = call("write", path="new.py", content="x = 1\n")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/calc.py").write_text(SOURCE)
    commit_all(tmp_path / "repo")
    return tmp_path / "repo"


async def run(repo: Path, home: Path, *arguments: str, answers: list[dict[str, Any]] | None = None) -> Ended:
    script = repo.parent / "script.json"
    script.write_text(json.dumps([*(answers or ()), {"content": "calc.py:1: warning: no types"}]))
    flags = ("--engine", f"scripted:{script}", "--sandbox", "none", "--context", "0") if arguments[0] == "run" else ()
    return await CommandLine(home, cwd=repo).run(*arguments, *flags)


async def state(repo: Path, home: Path) -> dict[str, Any]:
    return (await run(repo, home, "vscode", "state")).result


async def test_the_state_is_that_of_the_latest_session(repo: Path, own_home: Path) -> None:
    assert (await state(repo, own_home))["session"] is None
    ended = await run(repo, own_home, "run", "fix it", "--output", "json", answers=[FIX, ADD])
    found = await state(repo, own_home)
    assert found["session"] == ended.result["session"] and not found["running"]
    assert (found["status"], found["applied"], found["files_changed"]) == ("done", True, ["calc.py", "new.py"])
    (problem,) = found["problems"]
    assert (problem["path"], problem["line"], problem["severity"]) == ("calc.py", 1, "warning")


async def test_a_file_is_printed_as_it_was_at_a_point(repo: Path, own_home: Path) -> None:
    await run(repo, own_home, "run", "fix it", answers=[FIX, ADD])
    for point, path, told in (("start", "calc.py", SOURCE), ("end", "calc.py", FIXED), ("end", "new.py", "x = 1\n")):
        assert (await run(repo, own_home, "vscode", "file", point, path)).stdout == told
    missing = await run(repo, own_home, "vscode", "file", "start", "new.py")
    assert (missing.code, missing.stdout) == (1, "")
    assert (await run(repo, own_home, "vscode", "file", "start", "../../etc/passwd")).code == 1


@pytest.mark.parametrize("applied", [True, False])
async def test_one_file_of_a_change_is_refused_and_the_rest_stays(repo: Path, own_home: Path, applied: bool) -> None:
    apply = "auto" if applied else "never"
    await run(repo, own_home, "run", "fix it", "--apply", apply, answers=[FIX, ADD])
    back = ("session", "restore", "start", "--files", "--yes", "--only", "new.py")
    ended = await run(repo, own_home, *back)
    assert ended.code == 0, ended.stderr
    assert not (repo / "new.py").exists()
    assert (repo / "calc.py").read_text() == (FIXED if applied else SOURCE)
    if not applied:
        (patch,) = (own_home / ".local/state/glmcode/sessions").glob("*/patch.diff")
        git(repo, "apply", str(patch))
        assert (repo / "calc.py").read_text() == FIXED and not (repo / "new.py").exists()
