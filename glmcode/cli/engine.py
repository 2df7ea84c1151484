"""`glmcode engine VERB`: from the verb to its module."""

import argparse


def run_engine(options: argparse.Namespace) -> int:
    """Run one verb and return its exit code."""
    match options.verb:
        case "plan":
            from glmcode.cli.engine_plan import print_plan

            return print_plan(options)
        case _:
            raise AssertionError(f"no such verb: {options.verb}")
