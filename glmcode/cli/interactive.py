"""`glmcode [PROMPT]`: what must hold before the terminal interface starts, and what is told after it ended."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from glmcode import paths
from glmcode.cli.settings import flags_of, is_session, project_files, say, say_untrusted
from glmcode.config import ConfigError, Settings, load
from glmcode.starting import Start
from glmcode_sandbox.workspace import find_repository


def interactive(options: argparse.Namespace) -> int:
    """Run the interface and return the exit code. Raises ConfigError, WorkspaceError, SessionError before it starts."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise ConfigError(
            "this is not a terminal: use `glmcode run PROMPT` or `glmcode fix ISSUE`, which need none "
            "(`glmcode --help` has the other commands)"
        )
    start = _start(options)
    from glmcode.offline import describe_connections, go_offline

    go_offline(start.settings, say)
    try:
        if face(options.ui, os.environ) == "plain":
            if start.untrusted is not None:
                say_untrusted()
            from glmcode.plain.face import run_plain

            return asyncio.run(run_plain(start.settings, start.prompt or None))
        from glmcode.tui.launch import run_tui

        return run_tui(start)
    finally:
        if told := describe_connections():
            say(told)


def face(wanted: str | None, environ: Mapping[str, str]) -> str:
    """The face that is asked for; else the plain one where the terminal cannot move its cursor."""
    return wanted or ("plain" if environ.get("TERM", "") in ("", "dumb", "unknown") else "full")


def _start(options: argparse.Namespace) -> Start:
    if options.resume and not options.prompt and not is_session(options.resume):
        # `glmcode --resume "go on"`: the optional value swallowed the prompt.
        options.prompt, options.resume = options.resume, "latest"
    flags = flags_of(options)

    def settings() -> Settings:
        return load(flags, user_file=paths.config_file(), project_file=project_files(flags)[0])

    first = settings()
    repo = find_repository(first.repo or Path.cwd())
    if first.resume:
        first = first.model_copy(update={"resume": _known_session(first.resume, repo)})
    _, untrusted = project_files(flags)
    return Start(settings=first, repo=repo, prompt=options.prompt or "", untrusted=untrusted, reload=settings)


def _known_session(wanted: str, repo: Path) -> str:
    """The id of the session to go on with. Raises SessionError, ConfigError."""
    from glmcode.session import store

    root = paths.sessions_dir()
    session = store.latest(root, repo) if wanted == "latest" else wanted
    belongs = store.read_header(store.session_file(root, session)).repo
    if belongs != str(repo):
        raise ConfigError(f"session {session} belongs to {belongs}; pass --repo {belongs}")
    return session
