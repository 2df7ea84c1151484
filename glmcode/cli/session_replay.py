"""`glmcode session replay`: a session told again as it went, like the run that wrote it."""

import argparse
from pathlib import Path

from glmcode.config import Settings
from glmcode.events import Prompted, TurnFinished
from glmcode.exit_codes import ExitCode
from glmcode.headless.output import Output
from glmcode.session.replaying import replayed
from glmcode_sandbox.clean import clean_text


def run_replay(path: Path, options: argparse.Namespace) -> int:
    """Progress on standard error and the answers on standard output, or all as records. Nothing is asked or run.

    Raises SessionError.
    """
    output = Output(Settings(output=options.output), None)
    as_text = options.output == "text"
    for event in replayed(path):
        if not isinstance(event, Prompted):
            output.event(event)
        elif as_text:
            output.say(f"user: {event.text}")
        else:
            print(event.as_json(), flush=True)
        if isinstance(event, TurnFinished) and as_text:
            output.say(f"turn finished: {event.reason}{f' ({event.detail})' if event.detail else ''}")
            print(clean_text(event.answer), flush=True)
    return ExitCode.DONE
