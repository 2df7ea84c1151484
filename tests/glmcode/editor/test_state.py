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
    (repo / "sub").mkdir()
    assert (await state(repo / "sub", own_home))["root"] == str(repo)
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
    assert (missing.code, missing.stdout) == (4, "")
    assert (await run(repo, own_home, "vscode", "file", "start", "../../etc/passwd")).code == 4
    unknown = await run(repo, own_home, "vscode", "file", "99", "calc.py")
    assert unknown.code == 2 and "no point of this session" in unknown.stderr


async def test_a_file_whose_name_looks_like_a_flag_is_printed_and_taken_back(repo: Path, own_home: Path) -> None:
    dashed = call("write", path="--only.py", content="y = 1\n")
    session = (await run(repo, own_home, "run", "add it", "--output", "json", answers=[dashed])).result["session"]
    asked = ("vscode", "file", "--session", session, "--", "end", "--only.py")
    assert (await run(repo, own_home, *asked)).stdout == "y = 1\n"
    back = ("session", "restore", "start", session, "--files", "--yes", "--only=--only.py")
    ended = await run(repo, own_home, *back)
    assert ended.code == 0, ended.stderr
    assert not (repo / "--only.py").exists()


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


async def test_of_each_session_it_is_told_whether_its_changes_are_in_the_files(repo: Path, own_home: Path) -> None:
    sessions: dict[str, str] = {}
    for apply in ("auto", "never"):
        flags = ("--apply", apply, "--output", "json")
        sessions[apply] = (await run(repo, own_home, "run", "add", *flags, answers=[ADD])).result["session"]
        (repo / "new.py").unlink(missing_ok=True)
    assert not (await state(repo, own_home))["applied"]
    for apply, session in sessions.items():
        told = await run(repo, own_home, "vscode", "state", "--session", session)
        assert (told.result["session"], told.result["applied"]) == (session, apply == "auto")


async def test_a_session_on_the_files_themselves_has_applied_its_changes_without_a_result(
    repo: Path, own_home: Path
) -> None:
    flags = ("--workspace", "direct", "--output", "json")
    session = (await run(repo, own_home, "run", "add", *flags, answers=[ADD])).result["session"]
    file = own_home / ".local/state/glmcode/sessions" / session / "session.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if json.loads(line)["kind"] != "result"))
    found = await state(repo, own_home)
    assert found["applied"] and found["status"] is None
