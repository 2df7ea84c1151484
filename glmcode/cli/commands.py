"""What each command does: settings, then the right module, then errors as one clear line."""

import argparse
import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from glmcode.cli.failing import fail, say, unexpected
from glmcode.cli.settings import flags_of, is_session, settings_of
from glmcode.config import ConfigError
from glmcode.exit_codes import ExitCode
from glmcode.interrupts import interruptible
from glmcode.session.store import SessionError
from glmcode.starting import hurry
from glmcode_engine.base import EngineError
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.workspace import WorkspaceError

Words = Sequence[str] | None
"""What followed `--`, taken literally."""


def run_command(options: argparse.Namespace, words: Words, parser: argparse.ArgumentParser) -> int:
    """Run one command and return its exit code."""
    try:
        return _run(options, words, parser)
    except Exception as error:
        return failed(error)


def failed(error: Exception) -> int:
    """Say in one line why a command ended, and with which exit code."""
    match error:
        case ConfigError() | SessionError() | WorkspaceError():
            return fail(ExitCode.USAGE, str(error))
        case SandboxError():
            return fail(ExitCode.NO_SANDBOX, str(error))
        case EngineError():
            return fail(ExitCode.NO_ENGINE, str(error))
        case _:
            return unexpected(error)


def _run(options: argparse.Namespace, words: Words, parser: argparse.ArgumentParser) -> int:
    match options.command:
        case "run" | "fix":
            return _headless(options)
        case "demo":
            from glmcode.cli.demo import demo

            return asyncio.run(demo(flags_of(options)))
        case "sandbox":
            return _sandbox(options, words)
        case "tool":
            from glmcode.cli.place import run_tool

            return run_to_end(interruptible(run_tool(settings_of(options), options.tool, _words(options.words, words))))
        case "session":
            from glmcode.cli.sessions import run_session

            return run_session(options)
        case "airgap":
            from glmcode.cli.airgap import airgap

            return run_to_end(interruptible(airgap(options)))
        case "vscode":
            from glmcode.cli.vscode import run_vscode

            return run_vscode(options)
        case "engine":
            from glmcode.cli.engine import run_engine

            return run_engine(options, words)
        case _:
            return _run_small(options, parser)


def _run_small(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    match options.command:
        case "acp":
            from glmcode.cli.acp import acp

            return run_to_end(acp(options))
        case "doctor":
            from glmcode.cli.doctor import doctor

            return asyncio.run(doctor(options, sandbox_only=False))
        case "completion":
            from glmcode.cli.completion import completion_script

            print(completion_script(options.shell, parser))
            return ExitCode.DONE
        case _:
            raise AssertionError(f"no such command: {options.command}")


def _headless(options: argparse.Namespace) -> int:
    hurry()
    from glmcode.headless.issue import read_issue, read_prompt
    from glmcode.headless.run import run_headless
    from glmcode.headless.selection import with_selection
    from glmcode.offline import describe_connections, go_offline

    given = options.issue if options.command == "fix" else options.prompt
    if options.command == "run" and not given and options.resume and not is_session(options.resume):
        # `run --resume "go on"`: the optional value swallowed the prompt.
        given, options.resume = options.resume, "latest"
    settings = settings_of(options)
    go_offline(settings, say)
    task = read_issue(given, offline=settings.offline) if options.command == "fix" else read_prompt(given)
    task = with_selection(task, settings)
    try:
        return run_to_end(run_headless(settings, task, options.command))
    finally:
        if told := describe_connections():
            say(told)


def run_to_end(work: Coroutine[Any, Any, int]) -> int:
    """Run it on an event loop of its own. A second Ctrl-C ends the process at once."""
    return asyncio.run(work)


def _sandbox(options: argparse.Namespace, words: Words) -> int:
    match options.verb:
        case "build":
            from glmcode.cli.build import build

            return run_to_end(interruptible(build(options)))
        case "exec":
            from glmcode.cli.place import execute

            given = _words(options.script, words)
            if len(given) != 1:
                raise ConfigError(
                    "sandbox exec takes one argument, the whole script in quotes: glmcode sandbox exec -- 'CMD'"
                )
            return run_to_end(interruptible(execute(settings_of(options), given[0], options.timeout)))
        case _:
            from glmcode.cli.doctor import doctor

            return asyncio.run(doctor(options, sandbox_only=True))


def _words(before: Sequence[str], after: Words) -> list[str]:
    return [*before, *(after or ())]
