import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    (tmp_path / "repo/a.txt").write_text("one -- two\n")
    return tmp_path / "repo"


def glmcode(repo: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(repo.parent), "GLMCODE_SANDBOX": "none"}
    return subprocess.run(
        [sys.executable, "-m", "glmcode", *arguments],
        cwd=repo, env=env, text=True, input=given, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def test_words_after_two_dashes_are_literal(repo: Path) -> None:
    edited = glmcode(repo, "tool", "edit", "--", "a.txt", "--", "--help")
    assert edited.returncode == 0, edited.stderr
    assert (repo / "a.txt").read_text() == "one --help two\n"
    shown = glmcode(repo, "sandbox", "exec", "--", "echo -- --version; exit 3")
    assert (shown.returncode, shown.stdout) == (3, "-- --version\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_ends_the_command_and_leaves_nothing(repo: Path, number: signal.Signals, code: int) -> None:
    temporary = repo.parent / "tmp"
    temporary.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(repo.parent), "TMPDIR": str(temporary)}
    words = ["sandbox", "exec", "--sandbox", "none", "--", "echo $$; exec sleep 300"]
    with subprocess.Popen(
        [sys.executable, "-m", "glmcode", *words], cwd=repo, env=env, text=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        command = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(30) == code
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(command, 0)


def test_a_tool_answers_as_it_would_to_the_model(repo: Path) -> None:
    written = glmcode(repo, "tool", "write", "--repo", str(repo), "--", "-new.txt", given="naïve\n")
    assert written.returncode == 0 and (repo / "-new.txt").read_text() == "naïve\n"
    refused = glmcode(repo, "tool", "write", "--", ".git/hooks/pre-commit", given="#!/bin/sh\n")
    assert refused.returncode == 1 and refused.stdout.startswith("Refused: ")
    assert not (repo / ".git/hooks/pre-commit").exists()
    missing = glmcode(repo, "tool", "read", "--", "none.txt")
    assert missing.returncode == 1 and "none.txt" in missing.stdout
    assert glmcode(repo, "tool", "edit", "--", "a.txt").returncode == 2


def test_output_is_cleaned_and_a_timeout_exits_124(repo: Path) -> None:
    hostile = glmcode(repo, "sandbox", "exec", "--", r"printf 'a\033[31mb\033]0;t\007\n'")
    assert (hostile.returncode, hostile.stdout) == (0, "ab\n")
    slow = glmcode(repo, "sandbox", "exec", "--timeout", "0.5", "--", "sleep 30")
    assert slow.returncode == 124 and "timed out" in slow.stderr
    for words in ([], ["echo", "two words"]):
        assert glmcode(repo, "sandbox", "exec", "--", *words).returncode == 2
