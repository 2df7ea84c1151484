"""`glmcode pack`: what of the repository the model would be sent for a task, without sending it."""

import argparse
import sys
from pathlib import Path

from glmcode.config import ConfigError
from glmcode.context.budget import Auto, announcement
from glmcode.context.pack import pack
from glmcode.context.pins import Pins
from glmcode.exit_codes import ExitCode
from glmcode.headless.issue import read_issue
from glmcode_sandbox.clean import clean_text
from glmcode_sandbox.workspace import find_repository


def print_pack(options: argparse.Namespace) -> int:
    """Print it as text, or as a record. Raises ConfigError, WorkspaceError."""
    if options.budget != "auto" and not 0 <= options.budget <= 200_000:
        raise ConfigError("--budget is between 0 and 200000 tokens")
    task = options.task if options.task is not None else read_issue(options.issue_file)
    pins = Pins(pinned=tuple(options.pin or ()), dropped=tuple(options.drop or ()))
    budget = Auto() if options.budget == "auto" else options.budget
    packed = pack(find_repository(options.repo or Path.cwd()), task, budget, pins)
    if packed.note:
        print(f"glmcode: {packed.note}", file=sys.stderr)
    if packed.budget_why:
        print(f"glmcode: {announcement(packed.tokens, packed.budget_why, None)}", file=sys.stderr)
    chosen = options.format or ("text" if sys.stdout.isatty() else "json")
    print(packed.model_dump_json() if chosen == "json" else clean_text(packed.text))
    return ExitCode.DONE
