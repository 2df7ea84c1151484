"""`glmcode engine VERB`: from the verb to its module."""

import argparse
import asyncio
from collections.abc import Sequence

from glmcode.interrupts import interruptible


def run_engine(options: argparse.Namespace, words: Sequence[str] | None) -> int:
    """Run one verb and return its exit code; `words` are what followed `--`."""
    match options.verb:
        case "plan":
            from glmcode.cli.engine_plan import print_plan

            return print_plan(options)
        case "check":
            from glmcode.cli.engine_check import engine_check

            return asyncio.run(interruptible(engine_check(options)))
        case "bench":
            from glmcode.cli.engine_bench import engine_bench

            return asyncio.run(interruptible(engine_bench(options)))
        case "serve":
            from glmcode.cli.engine_serve import engine_serve

            return engine_serve(options, words)
        case "status":
            from glmcode.cli.engine_serve import engine_status

            return engine_status(options)
        case "stop":
            from glmcode.cli.engine_serve import engine_stop

            return engine_stop(options)
        case _:
            raise AssertionError(f"no such verb: {options.verb}")
