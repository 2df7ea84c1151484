"""The command line of the terminal interface: a prompt and the flags that it shares with `run`."""

import argparse

from glmcode.cli.parser import add_shared_flags


def interactive_parser() -> argparse.ArgumentParser:
    """The parser of `glmcode [PROMPT] [FLAG ...]`; `command` is None."""
    parser = argparse.ArgumentParser(
        prog="glmcode", usage="glmcode [PROMPT] [FLAG ...]", add_help=False, allow_abbrev=False
    )
    parser.set_defaults(command=None)
    parser.add_argument("prompt", metavar="PROMPT", nargs="?", help="starts the first turn")
    parser.add_argument(
        "--ui", choices=("full", "plain"), help="plain: lines, for screen readers; the default of dumb terminals"
    )
    add_shared_flags(parser)
    return parser
