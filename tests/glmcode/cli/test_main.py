import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from glmcode import __version__
from glmcode.cli.main import main
from glmcode.cli.parser import COMMANDS, build_parser
from glmcode.session import store
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message

HEAVY = ("openai", "docker", "textual", "git", "pydantic", "yaml", "httpx", "tiktoken", "asyncio", "glmcode_engine")


def glmcode(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), **environ}
    return subprocess.run(
        [sys.executable, "-m", "glmcode", *arguments],
        cwd=cwd, env=env, text=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["fix", "--help"], ["engine", "plan", "--help"], ["--bogus"]]
)
def test_what_needs_no_work_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from glmcode.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('\\n', *sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr, sep='HEAVY ')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert "HEAVY" not in done.stderr and "Traceback" not in done.stderr


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"glmcode {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["do it"], ["--ui", "plain"], ["do it", "--sandbox", "none"]])
def test_the_interface_needs_a_terminal_and_says_what_needs_none(arguments: list[str], tmp_path: Path) -> None:
    done = glmcode(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a terminal" in done.stderr and "glmcode run PROMPT" in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "run --bogus x", "fix", "fix a b", "run --thinking maybe x", "run --max-steps many x",
        "pack --task a --issue-file b", "session list --bogus", "sandbox", "tool nothing",
        "completion csh", "run --mod x y", "run --bogus --version=1",
    ],
)  # fmt: skip
def test_wrong_usage_exits_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split(" "))
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert "usage: glmcode" in captured.err and captured.out == ""


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert [word for word in (*COMMANDS, "77", "143") if word not in text] == []


def test_nothing_is_imported_from_the_current_folder(tmp_path: Path) -> None:
    for name in ("pydantic", "argparse", "openai", "fcntl", "yaml"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the repository')\n")
    done = glmcode("session", "list", "--all", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no sessions yet\n", "")


@pytest.mark.parametrize("redirection", [">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing_else(redirection: str, tmp_path: Path) -> None:
    script = f'"$0" -m glmcode session list --all {redirection}'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, text=True, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_standard_input_that_is_closed_is_an_empty_prompt(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m glmcode run - <&-', sys.executable],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, text=True, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "glmcode: the prompt is empty\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", ["completion bash", "session list --all"])
def test_output_on_a_full_disk_is_no_success(arguments: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m glmcode {arguments} >/dev/full', sys.executable],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, text=True, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "No space left on device" in done.stderr


def test_errors_are_one_line_without_a_trace(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    done = glmcode("session", "show", "nope", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "glmcode: 'nope' is not a session id; `glmcode session list` shows them\n"


def test_an_untrusted_project_file_is_left_out_until_yes(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".glmcode").mkdir()
    (tmp_path / ".glmcode/config.toml").write_text('repo = "/"\n')
    fix = ("fix", "missing-issue-file", "--base-url", "http://127.0.0.1:1/v1")
    for environ in ({}, {"GLMCODE_YES": "0"}):
        done = glmcode(*fix, cwd=tmp_path, **environ)
        assert done.returncode == 2 and "not trusted yet" in done.stderr and "ISSUE is a file" in done.stderr
    done = glmcode(*fix, "--yes", cwd=tmp_path)
    assert done.returncode == 2 and "repo cannot be set by a project" in done.stderr


def test_the_demo_takes_the_sandbox_that_the_environment_names(tmp_path: Path) -> None:
    done = glmcode("demo", "--max-steps", "1", "--verify", "off", cwd=tmp_path, GLMCODE_SANDBOX="none")
    assert done.returncode == 5, done.stderr
    assert "none (commands run on this machine)" in done.stderr


def conversation(home: Path, repo: Path, text: str) -> str:
    engine = EngineInfo(kind="scripted", model="fake")
    root = home / ".local/state/glmcode/sessions"
    with store.create(root, repo=repo, version="1", engine=engine, first_prompt=text) as session:
        session.append_message(Message(role="user", content=text))
        return session.id


def test_sessions_are_listed_shown_and_exported(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    conversation(tmp_path, Path("/elsewhere"), "other")
    session = conversation(tmp_path, repo.resolve(), "hostile \x1b]0;title\x07 \x9b2J text ☃")
    environ = {"XDG_STATE_HOME": str(tmp_path / ".local/state")}
    listed = json.loads(glmcode("session", "list", "--json", cwd=repo, **environ).stdout)
    assert [each["id"] for each in listed["sessions"]] == [session] and (listed["kind"], listed["v"]) == ("sessions", 1)
    assert len(glmcode("session", "list", "--all", cwd=repo, **environ).stdout.splitlines()) == 2
    for arguments in (["show"], ["show", session], ["export", "--format", "markdown"], ["list"]):
        shown = glmcode("session", *arguments, cwd=repo, **environ)
        assert shown.returncode == 0 and re.search("hostile +text", shown.stdout)
        assert all(char.isprintable() or char == "\n" for char in shown.stdout)
    poor = glmcode("session", "show", cwd=repo, **environ, PYTHONIOENCODING="ascii")
    assert poor.returncode == 0 and "text ?" in poor.stdout
    exported = json.loads(glmcode("session", "export", session, cwd=repo, **environ).stdout)
    assert exported["messages"] == [{"role": "user", "content": "hostile \x1b]0;title\x07 \x9b2J text ☃"}]


@pytest.mark.parametrize("arguments", [["pack", "--help"], ["pack"], ["pack", "--task", "x", "--format", "xml"]])
def test_the_parser_of_pack_alone_answers_as_the_whole_one(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = []
    for only in ("pack", None):
        with pytest.raises(SystemExit) as ended:
            build_parser(only).parse_known_args(arguments)
        answers.append((ended.value.code, *capsys.readouterr()))
    assert answers[0] == answers[1]


def test_the_parser_of_pack_alone_has_no_other_command() -> None:
    assert vars(build_parser("pack").parse_args(["pack", "--task", "x"])) == vars(
        build_parser().parse_args(["pack", "--task", "x"])
    )
    with pytest.raises(SystemExit):
        build_parser("pack").parse_args(["doctor"])
