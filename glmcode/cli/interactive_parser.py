"""The command line of the terminal interface: a prompt and the flags that it shares with `run`."""

import argparse
from collections.abc import Sequence

from glmcode.cli.parser import add_shared_flags


def parse_interactive(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of `glmcode [PROMPT] [FLAG ...]`; `command` is None. A usage error exits with 2."""
    parser = argparse.ArgumentParser(
        prog="glmcode", usage="glmcode [PROMPT] [FLAG ...]", add_help=False, allow_abbrev=False
    )
    parser.set_defaults(command=None)
    parser.add_argument("prompt", metavar="PROMPT", nargs="?", help="starts the first turn")
    parser.add_argument("--ui", choices=("full", "plain"), default="full", help="plain: lines, for screen readers")
    add_shared_flags(parser)
    return parser.parse_args(arguments)
