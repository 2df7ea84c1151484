import json
import os
import subprocess
import sys
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import pytest
import yaml

from glmcode.demo.sample import ISSUE, SCRIPT, SampleError, create_sample
from glmcode_engine.script import load_script

FAILING = "test_month_end_comes_back_after_a_short_month"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def run_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(folder, sys.executable, "-m", "unittest", "-v")


def script() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(SCRIPT.read_text(encoding="utf-8"))
    return loaded


def calls(name: str) -> list[dict[str, Any]]:
    return [call["arguments"] for answer in script() for call in answer.get("tool_calls", []) if call["name"] == name]


def play_edits(folder: Path) -> None:
    for edit in calls("edit"):
        path = folder / edit["path"]
        text = path.read_text(encoding="utf-8")
        assert text.count(edit["old"]) == 1
        path.write_text(text.replace(edit["old"], edit["new"]), encoding="utf-8")


def test_exactly_one_test_of_the_sample_fails(tmp_path: Path) -> None:
    done = run_tests(create_sample(tmp_path / "sample"))
    outcomes = [line.rpartition(" ... ")[2] for line in done.stderr.splitlines() if " ... " in line]
    assert sorted(set(outcomes)) == ["FAIL", "ok"]
    assert outcomes.count("FAIL") == 1
    assert len(outcomes) > 20
    assert f"FAIL: {FAILING}" in done.stderr


def test_the_scripts_edit_repairs_the_sample(tmp_path: Path) -> None:
    folder = create_sample(tmp_path / "sample")
    play_edits(folder)
    done = run_tests(folder)
    assert done.returncode == 0, done.stderr
    assert f"{FAILING} " in done.stderr


def test_the_issue_shows_what_the_sample_prints(tmp_path: Path) -> None:
    folder = create_sample(tmp_path / "sample")
    issue = [line.strip() for line in ISSUE.read_text(encoding="utf-8").splitlines() if line.startswith("    ")]
    command, *shown = issue
    done = run(folder, "sh", "-c", command.removeprefix("$ ").replace("python3", sys.executable))
    assert done.stdout.split() == " ".join(shown).split()


def test_the_scripts_last_command_confirms_its_answer(tmp_path: Path) -> None:
    folder = create_sample(tmp_path / "sample")
    play_edits(folder)
    (shell,) = calls("shell")
    done = run(folder, "sh", "-c", shell["command"].replace("python3", sys.executable))
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[:2]] == ["2025-03-31", "2025-04-30"]
    assert done.stdout.split()[-1] == "2028-02-29"
    assert all(day in script()[-1]["content"] for day in ("2025-03-31", "2025-04-30"))


def test_the_readme_shows_what_the_sample_prints(tmp_path: Path) -> None:
    folder = create_sample(tmp_path / "sample")
    lines = [line.strip() for line in (folder / "README.md").read_text().splitlines() if line.startswith("    ")]
    start = next(number for number, line in enumerate(lines) if line.startswith("$ "))
    assert (folder / "bills.csv").read_text().split() == " ".join(lines[:start]).split()
    done = run(folder, "sh", "-c", lines[start].removeprefix("$ ").replace("python3", sys.executable))
    assert done.stdout.split() == " ".join(lines[start + 1 :]).split()


def test_the_script_looks_only_at_what_is_there(tmp_path: Path) -> None:
    folder = create_sample(tmp_path / "sample")
    for arguments in [*calls("read"), *calls("grep"), *calls("edit")]:
        assert (folder / arguments["path"]).exists()
    for arguments in calls("grep"):
        assert run(folder, "grep", "-rE", arguments["pattern"], arguments["path"]).stdout


def test_the_script_sees_the_failure_before_it_edits_and_ends_with_an_answer() -> None:
    names = [call["name"] for answer in script() for call in answer.get("tool_calls", [])]
    assert names.index("run_tests") < names.index("edit") < names.index("run_tests", names.index("edit"))
    assert 6 <= len(script()) <= 8
    assert "tool_calls" not in script()[-1]
    assert all(answer["reasoning"] for answer in script())
    assert json.loads(json.dumps(script())) == script()


def test_the_scripted_engine_accepts_the_script() -> None:
    with as_file(SCRIPT) as path:
        assert len(load_script(path)) == len(script())


def test_the_sample_is_one_clean_commit_that_is_the_same_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/ignore").write_text("*.csv\n")
    hooks = home / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    (home / ".gitconfig").write_text(f"[core]\nhooksPath={hooks}\n[commit]\ngpgSign=true\n[user]\nname=Someone\n")
    first = create_sample(tmp_path / "a")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    second = create_sample(tmp_path / "deep/er/b")
    monkeypatch.delenv("GIT_DIR")
    heads = {run(folder, "git", "rev-parse", "HEAD").stdout for folder in (first, second)}
    assert len(heads) == 1
    assert len(heads.pop().strip()) == 40
    assert run(second, "git", "rev-list", "--count", "--all").stdout == "1\n"
    assert run(second, "git", "status", "--porcelain").stdout == ""
    assert "bills.csv" in run(second, "git", "ls-files").stdout


def test_running_its_tests_leaves_the_sample_clean(tmp_path: Path) -> None:
    folder = create_sample(tmp_path / "sample")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "unittest"], cwd=folder, env=environment, capture_output=True, check=False)
    assert list(folder.rglob("__pycache__"))
    assert run(folder, "git", "status", "--porcelain").stdout == ""


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SampleError, match="not empty"):
        create_sample(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]


def test_a_missing_git_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SampleError, match="Install git"):
        create_sample(tmp_path / "sample")
