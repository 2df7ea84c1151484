import json
import os
import re
from pathlib import Path

import pytest

from glmcode.cli.main import main
from glmcode.editor.jsonc import parse
from glmcode.editor.problem_lines import STARTED, finished
from glmcode.editor.tasks import ENGINE_BEGINS, ENGINE_ENDS, as_json, tasks
from glmcode.editor.user_folders import user_folders


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    for name in ("HEAD", "config"):
        (tmp_path / ".git" / name).write_text("ref: refs/heads/main\n" if name == "HEAD" else "")
    for name in ("objects", "refs"):
        (tmp_path / ".git" / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tasks_file(repo: Path) -> Path:
    return repo / ".vscode/tasks.json"


def test_init_and_remove_leave_a_repository_as_it_was(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vscode", "init"]) == 0
    node = parse(tasks_file(repo).read_text())
    assert node is not None and [task["label"] for task in node.value["tasks"]] == [task.label for task in tasks()]
    assert main(["vscode", "init"]) == 0 and "nothing to change" in capsys.readouterr().err
    assert main(["vscode", "remove"]) == 0
    assert not (repo / ".vscode").exists()
    assert main(["vscode", "remove"]) == 0 and "nothing to remove" in capsys.readouterr().err


def test_a_folder_and_an_empty_file_that_were_there_stay(repo: Path) -> None:
    (repo / ".vscode").mkdir()
    for before in (None, b"", b"// mine\r\n"):
        if before is not None:
            tasks_file(repo).write_bytes(before)
        assert main(["vscode", "init"]) == 0 and main(["vscode", "remove"]) == 0
        assert (tasks_file(repo).read_bytes() if tasks_file(repo).exists() else None) == before
    assert (repo / ".vscode").is_dir()


def test_a_dry_run_shows_the_change_and_makes_none(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vscode", "init", "--dry-run"]) == 0
    assert '+            "label": "glmcode: Fix failing tests",' in capsys.readouterr().out
    assert not (repo / ".vscode").exists()


def test_a_file_that_cannot_be_read_as_json_is_left_alone(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / ".vscode").mkdir()
    tasks_file(repo).write_text('{"tasks": [')
    assert main(["vscode", "init"]) == 2
    assert "line 1, column 12" in capsys.readouterr().err and tasks_file(repo).read_text() == '{"tasks": ['


def test_a_link_of_the_repository_is_not_followed(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (repo / ".vscode").symlink_to(outside)
    assert main(["vscode", "init"]) == 2 and list(outside.iterdir()) == []


def test_the_mode_of_the_file_stays(repo: Path) -> None:
    (repo / ".vscode").mkdir()
    tasks_file(repo).write_text("{}")
    tasks_file(repo).chmod(0o640)
    assert main(["vscode", "init"]) == 0
    assert tasks_file(repo).stat().st_mode & 0o777 == 0o640


def test_the_users_own_tasks_are_written_where_an_editor_was_started(own_home: Path) -> None:
    assert main(["vscode", "init", "--user"]) == 2
    folders = [own_home / ".config/Code/User", own_home / ".local/share/code-server/User"]
    for folder in folders:
        folder.mkdir(parents=True)
    assert main(["vscode", "init", "--user"]) == 0
    assert all((folder / "tasks.json").is_file() for folder in folders)
    assert main(["vscode", "remove", "--user"]) == 0
    assert all(list(folder.iterdir()) == [] for folder in folders)


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"HOME": "."}, ".config/Code/User"),
        ("linux", {"HOME": ".", "XDG_CONFIG_HOME": "conf"}, "conf/VSCodium/User"),
        ("darwin", {"HOME": "."}, "Library/Application Support/Code - Insiders/User"),
        ("win32", {"USERPROFILE": ".", "APPDATA": "AppData/Roaming"}, "AppData/Roaming/Code/User"),
        ("linux", {"HOME": ".", "VSCODE_APPDATA": "data"}, "data/Code/User"),
        ("linux", {"HOME": ".", "VSCODE_PORTABLE": "usb"}, "usb/user-data/User"),
        ("linux", {"HOME": ".", "XDG_DATA_HOME": "share"}, "share/code-server/User"),
    ],
)
def test_where_editors_keep_what_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir(parents=True)
    assert [os.path.normpath(found) for found in user_folders(environ, platform)] == [os.path.normpath(folder)]


def test_the_tasks_are_told_to_the_extension(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vscode", "tasks"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["v"]) == ("vscode_tasks", 1)
    assert [each["task"] for each in told["tasks"]] == [as_json(task) for task in tasks()]


@pytest.mark.parametrize("task", tasks(), ids=lambda task: task.id)
def test_every_task_runs_a_command_that_is_there(task: object, capsys: pytest.CaptureFixture[str]) -> None:
    from glmcode.cli.parser import build_parser
    from glmcode.editor.tasks import Task

    assert isinstance(task, Task)
    if not task.args:
        return  # the terminal interface has no command word
    options = build_parser().parse_args(
        [
            word.replace("${input:glmcode.approval}", "auto").replace("${input:glmcode.thinking}", "on")
            for word in task.args
        ]
    )
    assert options.command == task.args[0] and not getattr(options, "later", False)
    assert "$" not in "".join(task.args).replace("${input:", "") and set(task.env) <= {
        "GLMCODE_FILE",
        "GLMCODE_SELECTION",
    }


def test_the_engine_is_ready_when_its_lines_say_so() -> None:
    for line in ("glmcode: engine: loading the weights, 40% [====      ]", "glmcode: engine: starting the server"):
        assert re.search(ENGINE_BEGINS, line) and not re.search(ENGINE_ENDS, line)
    for line in (
        "glmcode: engine: ready at http://127.0.0.1:1/v1 (Ctrl-C stops it)",
        "glmcode: engine default runs already: x",
    ):
        assert re.search(ENGINE_ENDS, line) and not re.search(ENGINE_BEGINS, line)
    assert not re.search(ENGINE_BEGINS, STARTED) and not re.search(ENGINE_ENDS, finished("done"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / ".vscode").mkdir()
    os.mkfifo(tasks_file(repo))
    assert main(["vscode", "init"]) == 2
    assert "is no file" in capsys.readouterr().err
