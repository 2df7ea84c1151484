"""`glmcode pack`: what of the repository the model would be sent for a task, without sending it."""

import argparse
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from glmcode.cli.failing import fail, unexpected
from glmcode.config_error import ConfigError
from glmcode.context.budget import Auto, announcement
from glmcode.context.pack import pack
from glmcode.context.pins import Pins
from glmcode.exit_codes import ExitCode
from glmcode_sandbox.clean import clean_text
from glmcode_sandbox.finding import WorkspaceError, find_repository

if TYPE_CHECKING:
    from glmcode.cost import Prices


def run_pack(options: argparse.Namespace) -> int:
    """Run the command by itself: it seldom needs settings, and what they import takes as long as a pack.

    Returns the exit code.
    """
    gc.disable()  # nothing here lives longer than the command
    try:
        return print_pack(options)
    except (ConfigError, WorkspaceError) as error:
        return fail(ExitCode.USAGE, str(error))
    except Exception as error:
        return unexpected(error)


def print_pack(options: argparse.Namespace) -> int:
    """Print it as text, or as a record. Raises ConfigError, WorkspaceError."""
    if options.budget != "auto" and not 0 <= options.budget <= 200_000:
        raise ConfigError("--budget is between 0 and 200000 tokens")
    task = options.task if options.task is not None else _issue(options.issue_file)
    pins = Pins(pinned=tuple(options.pin or ()), dropped=tuple(options.drop or ()))
    window, prices = _endpoint(options) if options.budget == "auto" else (None, None)
    budget = Auto(window, prices) if options.budget == "auto" else options.budget
    packed = pack(find_repository(options.repo or Path.cwd()), task, budget, pins)
    if packed.note:
        print(f"glmcode: {packed.note}", file=sys.stderr)
    if packed.budget_why:
        print(f"glmcode: {announcement(packed.tokens, packed.budget_why, prices)}", file=sys.stderr)
    chosen = options.format or ("text" if sys.stdout.isatty() else "json")
    print(packed.json() if chosen == "json" else clean_text(packed.text))
    return ExitCode.DONE


def _endpoint(options: argparse.Namespace) -> "tuple[int | None, Prices | None]":
    """What is known of the window and the prices of the endpoint that a run would use, without asking it."""
    from glmcode.cli.settings import settings_of
    from glmcode.cost import known_prices
    from glmcode.model.engines import known_window

    settings = settings_of(argparse.Namespace(repo=options.repo))
    if settings.engine != "remote":
        return settings.window, settings.price
    return known_window(settings), settings.price or known_prices(settings.base_url, settings.model)


def _issue(source: str) -> str:
    from glmcode.headless.issue import read_issue

    return read_issue(source)
