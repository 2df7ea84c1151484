"""`glmcode session`: list, show and export what is on disk; `session_time` has what compares and restores it."""

import argparse
import json
import time
from pathlib import Path

from glmcode import paths
from glmcode.exit_codes import ExitCode
from glmcode.session import store
from glmcode.session.export import exported
from glmcode_sandbox.clean import clean_text, one_line
from glmcode_sandbox.workspace import find_repository

_ENDINGS = {"json": ".json", "markdown": ".md", "html": ".html"}


def run_session(options: argparse.Namespace) -> int:
    """Run one verb. Raises SessionError."""
    root = paths.sessions_dir()
    if options.verb == "list":
        return _list(options, root)
    if options.verb in ("steps", "diff", "restore", "fork"):
        from glmcode.cli.session_time import run_time_machine

        return run_time_machine(options, root)
    wanted = options.session or store.latest(root, find_repository(options.repo or Path.cwd()))
    path = store.session_file(root, wanted)
    if options.verb == "replay":
        from glmcode.cli.session_replay import run_replay

        return run_replay(path, options)
    header, conversation = store.read_whole(path)
    form = _ENDINGS[options.format] if options.verb == "export" else ".md"
    print(clean_text(exported(form, header, conversation.said, conversation.remarks)))
    return ExitCode.DONE


def _list(options: argparse.Namespace, root: Path) -> int:
    repo = None if options.all else find_repository(options.repo or Path.cwd())
    headers = store.headers(root, repo)
    if options.json:
        sessions = [header.model_dump(mode="json", exclude={"kind", "v"}) for header in headers]
        print(json.dumps({"kind": "sessions", "v": 1, "sessions": sessions}))
        return ExitCode.DONE
    for header in headers:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(header.created))
        print(f"{header.id}  {when}  {one_line(header.engine.model, 20)}  {one_line(header.title, 80)}")
    if not headers:
        print("no sessions yet")
    return ExitCode.DONE
