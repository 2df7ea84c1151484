"""What each command does: settings, then the right module, then errors as one clear line."""

import argparse
import asyncio
import os
import sys
import traceback
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from glmcode import paths
from glmcode.config import ConfigError, Settings, load
from glmcode.exit_codes import ExitCode
from glmcode.session.store import SessionError
from glmcode.trust import is_trusted, project_config, remember
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import clean_text
from glmcode_sandbox.workspace import WorkspaceError, find_repository

Words = Sequence[str] | None
"""What followed `--`, taken literally."""


def run_command(options: argparse.Namespace, words: Words, parser: argparse.ArgumentParser) -> int:
    """Run one command and return its exit code."""
    try:
        return _run(options, words, parser)
    except (ConfigError, SessionError, WorkspaceError) as error:
        return _fail(ExitCode.USAGE, str(error))
    except SandboxError as error:
        return _fail(ExitCode.NO_SANDBOX, str(error))
    except BrokenPipeError:
        return ExitCode.FAILURE
    except Exception as error:  # the edge: our own bugs become one line, the trace is there for who asks
        if os.environ.get("GLMCODE_DEBUG"):
            traceback.print_exc()
        text = f"unexpected failure: {type(error).__name__}: {error} (GLMCODE_DEBUG=1 shows the trace)"
        return _fail(ExitCode.FAILURE, text)


def _run(options: argparse.Namespace, words: Words, parser: argparse.ArgumentParser) -> int:
    match options.command:
        case "run" | "fix":
            return _headless(options)
        case "demo":
            from glmcode.cli.demo import demo

            return asyncio.run(demo(_flags(options)))
        case "pack":
            from glmcode.cli.pack import print_pack

            return print_pack(options)
        case "sandbox":
            return _sandbox(options, words)
        case "tool":
            from glmcode.cli.place import run_tool

            return asyncio.run(run_tool(settings_of(options), options.tool, _words(options.words, words)))
        case "session":
            from glmcode.cli.sessions import run_session

            return run_session(options)
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
    from glmcode.headless.issue import read_issue, read_prompt
    from glmcode.headless.run import run_headless

    given = options.issue if options.command == "fix" else options.prompt
    if options.command == "run" and not given and options.resume and not _is_session(options.resume):
        # `run --resume "go on"`: the optional value swallowed the prompt.
        given, options.resume = options.resume, "latest"
    settings = settings_of(options)
    refuse_unbuilt(settings)
    task = read_issue(given) if options.command == "fix" else read_prompt(given)
    return run_to_end(run_headless(settings, task, options.command))


def run_to_end(work: Coroutine[Any, Any, int]) -> int:
    """Run it on an event loop of its own. A second Ctrl-C ends the process at once."""
    return asyncio.run(work)


def _is_session(value: str) -> bool:
    return value == "latest" or (value[:8].isdigit() and value.count("-") == 2 and " " not in value)


def _sandbox(options: argparse.Namespace, words: Words) -> int:
    match options.verb:
        case "build":
            from glmcode.cli.build import build

            return asyncio.run(build(options))
        case "exec":
            from glmcode.cli.place import execute

            given = _words([options.script] if options.script else [], words)
            if len(given) != 1:
                raise ConfigError("sandbox exec takes the whole script as one argument: glmcode sandbox exec -- 'CMD'")
            return asyncio.run(execute(settings_of(options), given[0], options.timeout))
        case _:
            from glmcode.cli.doctor import doctor

            return asyncio.run(doctor(options, sandbox_only=True))


def _words(before: Sequence[str], after: Words) -> list[str]:
    return [*before, *(after or ())]


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings of this call, with the project's file where it is trusted. Raises ConfigError."""
    flags = _flags(options)
    project = _trusted_project_file(flags)
    return load(flags, user_file=paths.config_file(), project_file=project)


def _flags(options: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(options).items() if name in Settings.model_fields and value is not None}


def _trusted_project_file(flags: dict[str, Any]) -> Path | None:
    """The project's file: obeyed when trusted, `--yes` trusts it, otherwise left out and said so."""
    try:
        repo = find_repository(Path(flags.get("repo") or os.environ.get("GLMCODE_REPO") or Path.cwd()))
    except WorkspaceError:
        return None  # reported by whoever needs the repository
    path = project_config(repo)
    if path is None or is_trusted(repo, paths.state_dir()):
        return path
    if flags.get("yes") or os.environ.get("GLMCODE_YES", "").lower() in ("1", "true", "yes", "on"):
        remember(repo, paths.state_dir())
        return path
    say(f"{path.name} of .glmcode is left out: this repository is not trusted yet; --yes trusts it")
    return None


def refuse_unbuilt(settings: Settings) -> None:
    """Say of settings that later versions bring that they are not there yet."""
    if settings.offline:
        raise ConfigError("--offline is not built yet")
    if settings.output == "vscode":
        raise ConfigError("--output vscode is not built yet")


def say(text: str) -> None:
    print(f"glmcode: {clean_text(text)}", file=sys.stderr, flush=True)


def _fail(code: ExitCode, text: str) -> int:
    say(text)
    return code
