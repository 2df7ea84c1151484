import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.glmcode.live.working import EDIT, TASKS, make_repo, shell

CHILD = """
import asyncio, json, sys
from glmcode.config import Settings
from glmcode.plain.face import run_plain
sys.exit(asyncio.run(run_plain(Settings.model_validate(json.loads(sys.argv[1])))))
"""


def _session(
    folder: Path,
    typed: list[str],
    answers: list[dict[str, Any]],
    variables: dict[str, str] | None = None,
    **settings: Any,
) -> tuple[int, str]:
    """What a session with a script in the model's place says to these lines."""
    repo = folder / "repo"
    if not repo.exists():
        make_repo(folder)
    script = folder / "script.json"
    script.write_text(json.dumps(answers))
    given = {"engine": f"scripted:{script}", "sandbox": "none", "context": 0, "repo": str(repo)} | settings
    environment = os.environ | {"XDG_STATE_HOME": str(folder / "state")} | (variables or {})
    done = subprocess.run(
        [sys.executable, "-P", "-c", CHILD, json.dumps(given)],
        input="".join(f"{line}\n" for line in typed), capture_output=True, text=True, timeout=100, env=environment,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_turns_and_shell_commands_work_on_the_repository(tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = [
        {"content": "I fix it.", "tool_calls": [EDIT]},
        {"content": "Fixed."},
        {"content": "Bye."},
    ]
    code, said = _session(tmp_path, ["make add add", "!cat calc.py", "thanks"], answers)
    assert code == 0
    order = [
        "no model",
        "without a sandbox",
        "I fix it.",
        "Tool: edit calc.py.",
        "Fixed.",
        "Turn done",
        "a + b",
        "Bye.",
    ]
    places = [said.index(each) for each in [*order, "Bye."]]
    assert places == sorted(places)


def test_permission_is_asked_for_by_number_and_always_covers_the_same_file(tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = [
        {"tool_calls": [TASKS]},
        {"content": "one"},
        {"tool_calls": [TASKS]},
        {"content": "two"},
    ]
    _, said = _session(tmp_path, ["first", "3", "not mine", "second", "4"], answers)
    assert "Refused: not mine" in said and "Allowed." in said
    assert (tmp_path / "repo/.vscode/tasks.json").exists()
    assert said.count("Permission needed") == 2
    _, said = _session(tmp_path, ["first", "4", "second"], answers)
    assert said.count("Permission needed") == 1 and "two" in said


def test_commands_change_the_session(tmp_path: Path) -> None:
    typed = ["/context", "/mode plan", "go", "/context", "/nonsense", "/think off", "/btw why?", "/clear"]
    answers: list[dict[str, Any]] = [
        {"tool_calls": [shell("touch made")]},
        {"content": "planned"},
        {"content": "aside answer"},
    ]
    _, said = _session(tmp_path, typed, answers)
    assert "no conversation yet" in said and "Approval: plan." in said and "Thinking: off." in said
    assert "history" in said and "/nonsense is not known" in said and "aside answer" in said
    assert "new session" in said and not (tmp_path / "repo/made").exists()


def test_what_is_missing_is_said_and_the_session_goes_on(tmp_path: Path) -> None:
    code, said = _session(tmp_path, ["go", "!", "/mode auto"], [{"content": "x"}], resume="20200101-000000-missing")
    assert code == 0 and "Error: " in said and "Approval: auto." in said


def test_a_commit_is_made_after_a_yes_and_only_then(tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = [{"tool_calls": [EDIT]}, {"content": "Fixed."}, {"content": "Let add add"}]
    who = {f"GIT_{role}_{part}": "ada@x" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    typed = ["make add add", "/commit", "2", "/commit By hand", "1", "/commit"]
    _, said = _session(tmp_path, typed, answers, who)
    assert "calc.py, changed +1 -1" in said and "Message: Let add add" in said
    assert said.index("Nothing was committed.") < said.index("Message: By hand") < said.index("Committed to ")
    assert "Error: nothing to commit" in said
    log = subprocess.run(
        ["git", "log", "--format=%s"], cwd=tmp_path / "repo", capture_output=True, text=True, check=True
    )
    assert log.stdout.split("\n")[:2] == ["By hand", "base"]


def test_the_pack_is_shown_changed_and_packed_anew_after_a_yes(tmp_path: Path) -> None:
    repo = make_repo(tmp_path)
    (repo / "other.py").write_text("def add_other(a):\n    return add(a, 1)\n")
    typed = ["/pack anew", "/pack add in calc.py", "/pack drop other.py", "/pack add in calc.py", "why add in calc.py?"]
    typed += ["/pack", "/pack pin other.py", "/pack anew", "2", "/pack anew", "1", "/pack pin nosuch.py", "/pack anew"]
    _, said = _session(tmp_path, typed, [{"content": "Because."}], context=2000)
    told = said.split("Because.")
    assert "There is no conversation yet." in told[0] and "Noted: other.py. /pack shows" in told[0]
    assert (told[0].count("calc.py, "), told[0].count("other.py, ")) == (2, 1)
    stays, anew = told[1].split("The pack stays as it is.")
    assert stays.count("other.py, ") == 0 and "/pack anew tells the price" in stays and "are read anew" in stays
    assert anew.count("other.py, ") == 1 and "pinned by you" in anew and "Error: pinned is nosuch.py" in anew


TWO = shell("sed -i '1s/add/plus/; 30s/30/thirty/' calc.py; printf '\\033[31mred\\n' > new.txt")
LINES = "".join(f"add = {number}\n" for number in range(1, 31))


def _isolated(folder: Path, typed: list[str], answers: list[dict[str, Any]], **settings: Any) -> str:
    return _session(folder, typed, answers, workspace="isolated", **settings)[1]


def test_a_copy_is_reviewed_by_number_and_the_model_is_told(tmp_path: Path) -> None:
    file = make_repo(tmp_path) / "calc.py"
    file.write_text(LINES)
    typed = ["/review", "change it", "/review", "9", "1", "3", "spell it 30", "6", "/review", "5", "/review", "thanks"]
    answers: list[dict[str, Any]] = [{"tool_calls": [TWO]}, {"content": "Changed."}, {"content": "Bye."}]
    said = _isolated(tmp_path, typed, answers)
    assert said.index("changed nothing") < said.index("files that wait for your review: 2")
    assert "3 changes in 2 files: accepted go to your files." in said
    assert "Change 1 of 3: calc.py, lines 1-" in said and "\n+plus = 1\n" in said
    assert "Change 3 of 3: new.txt, new file" in said and "\x1b" not in said and said.count("Type one of") == 1
    assert "Change 1 of 1: new.txt" in said and said.count("changed nothing") == 2
    assert file.read_text() == LINES.replace("add = 1\n", "plus = 1\n") and not file.with_name("new.txt").exists()
    session = next((tmp_path / "state/glmcode/sessions").glob("*/session.jsonl")).read_text()
    assert "spell it 30" in session


def test_a_copy_is_reviewed_when_its_session_goes_on(tmp_path: Path) -> None:
    file = make_repo(tmp_path) / "calc.py"
    file.write_text(LINES)
    answers: list[dict[str, Any]] = [{"tool_calls": [TWO]}, {"content": "Changed."}]
    _isolated(tmp_path, ["change it", "/review", "6"], answers)
    assert file.read_text() == LINES
    session = next((tmp_path / "state/glmcode/sessions").glob("*-*")).name
    said = _isolated(tmp_path, ["/diff", "/review", "4", "/btw why?"], [{"content": "So."}], resume=session)
    assert "+plus = 1" in said and "The review is done" in said and "So." in said
    assert "plus = 1" in file.read_text() and file.with_name("new.txt").exists()


def test_tests_run_by_hand(tmp_path: Path) -> None:
    _, said = _session(tmp_path, ["/test"], [{"content": "x"}], test_command="echo '3 passed'")
    assert "3 passed" in said
