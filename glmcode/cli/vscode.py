"""`glmcode vscode`: the tasks of VS Code, written, taken out again, or as JSON, and what the extension shows."""

import argparse
import difflib
import json
import shutil
import sys
from pathlib import Path

from glmcode import paths
from glmcode.cli.settings import say
from glmcode.config import ConfigError
from glmcode.editor.state import content_at, state_of
from glmcode.editor.tasks import INPUTS, PROGRAM, as_json, tasks
from glmcode.editor.tasks_on_disk import edited, of_repository, read, write
from glmcode.editor.user_folders import user_folders
from glmcode.exit_codes import ExitCode
from glmcode.session import store
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_sandbox.workspace import find_repository


def run_vscode(options: argparse.Namespace) -> int:
    """Run one verb. Raises ConfigError, WorkspaceError."""
    match options.verb:
        case "tasks":
            print(json.dumps(_listed()))
            return ExitCode.DONE
        case "state":
            repo = find_repository(options.repo or Path.cwd())
            print(state_of(paths.sessions_dir(), repo, options.session).model_dump_json())
            return ExitCode.DONE
        case "file":
            return _print_file(options)
    for path in _files(options):
        _edit(path, remove=options.verb == "remove", dry_run=options.dry_run)
    if options.verb == "init" and shutil.which(PROGRAM) is None:
        say(f"the command {PROGRAM} is not on the PATH here; VS Code needs it on its own PATH")
    return ExitCode.DONE


def _print_file(options: argparse.Namespace) -> int:
    """The bytes as they were; a code of its own where the file was not there, so that no failure looks like it."""
    root = paths.sessions_dir()
    session = options.session or store.latest(root, find_repository(options.repo or Path.cwd()))
    data = content_at(root, session, options.point, options.path)
    if data is None:
        return ExitCode.NOTHING
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    return ExitCode.DONE


def _files(options: argparse.Namespace) -> list[Path]:
    if not options.user:
        return [of_repository(find_repository(options.repo or Path.cwd()))]
    folders = user_folders()
    if not folders:
        raise ConfigError(
            "--user: no VS Code, VSCodium or code-server was started by this user on this machine; run this where its "
            "window is (not on a remote host), or name its data folder with VSCODE_APPDATA"
        )
    return [folder / "tasks.json" for folder in folders]


def _edit(path: Path, *, remove: bool, dry_run: bool) -> None:
    before = read(path)
    change = edited(path, before, remove=remove)
    for note in change.notes:
        say(one_line(note, 300))
    shown = one_line(str(path), 300)
    if change.text == (before or ""):
        say(f"{shown}: nothing to {'remove' if remove else 'change'}")
    elif dry_run:
        _print_diff(path, before or "", change.text)
    else:
        write(path, change)
        what = "tasks removed" if remove else f"{len(tasks())} tasks; in VS Code: Terminal, Run Task..."
        say(f"{shown}: {what}")


def _print_diff(path: Path, before: str, after: str) -> None:
    """For people: a terminal must not be fooled by what is in the file."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{path}", f"{path} (not written)"
    )
    for line in lines:
        sys.stdout.write(clean_text(line).rstrip("\n") + "\n")


def _listed() -> dict[str, object]:
    """What the extension builds its tasks from."""
    made = [{"id": task.id, "panel": task.panel, "task": as_json(task)} for task in tasks()]
    return {"kind": "vscode_tasks", "v": 1, "tasks": made, "inputs": [each.as_json() for each in INPUTS]}
