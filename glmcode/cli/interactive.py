"""`glmcode [PROMPT]`: what must hold before the terminal interface starts, and what is told after it ended."""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from glmcode import paths
from glmcode.cli.failing import say
from glmcode.config_error import ConfigError
from glmcode.starting import Start, hurry
from glmcode_sandbox.finding import find_repository


def interactive(options: argparse.Namespace) -> int:
    """Run the interface and return the exit code. Raises ConfigError, WorkspaceError, SessionError."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise ConfigError(
            "this is not a terminal: use `glmcode run PROMPT` or `glmcode fix ISSUE`, which need none "
            "(`glmcode --help` has the other commands)"
        )
    return _plain(options) if face(options.ui, os.environ) == "plain" else _full(options)


def face(wanted: str | None, environ: Mapping[str, str]) -> str:
    """The face that is asked for; else the plain one where the terminal cannot move its cursor."""
    return wanted or ("plain" if environ.get("TERM", "") in ("", "dumb", "unknown") else "full")


def _full(options: argparse.Namespace) -> int:
    hurry()
    lines: list[str] = []
    start = _start(options, lines)
    from glmcode.tui.launch import run_tui

    try:
        return run_tui(start)
    finally:
        for line in lines:
            say(line)
        _say_connections()


def _plain(options: argparse.Namespace) -> int:
    lines: list[str] = []
    start = _read(options, lines)
    for line in lines:
        say(line)
    assert start.settings is not None
    try:
        if start.untrusted is not None:
            from glmcode.cli.settings import say_untrusted

            say_untrusted()
        from glmcode.plain.face import run_plain

        return asyncio.run(run_plain(start.settings, start.prompt or None))
    finally:
        _say_connections()


def _say_connections() -> None:
    from glmcode.offline import describe_connections

    if told := describe_connections():
        say(told)


def _start(options: argparse.Namespace, lines: list[str]) -> Start:
    """What the first frame needs; all of it where that depends on the settings, or is asked for by name."""
    if options.resume or options.offline or _names_repository(paths.config_file()):
        return _read(options, lines)
    repo = find_repository(Path(options.repo or os.environ.get("GLMCODE_REPO") or Path.cwd()))
    return Start(settings=None, repo=repo, prompt=options.prompt or "", read=lambda: _read(options, lines))


def _names_repository(user_file: Path) -> bool:
    """Whether the user's configuration may say where to work."""
    try:
        return "repo" in user_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _read(options: argparse.Namespace, lines: list[str]) -> Start:
    """The start with its settings, and offline if they ask for it; `lines` take what is to be told then."""
    from glmcode.cli.settings import flags_of, is_session, project_files
    from glmcode.config import Settings, load
    from glmcode.offline import go_offline

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
    go_offline(first, lines.append)
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
