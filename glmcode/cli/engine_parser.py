"""The flags of `glmcode engine VERB`, one function for each verb."""

import argparse
from pathlib import Path

from glmcode.cli.engine_check_parser import add_bench, add_check
from glmcode.cli.engine_serve_parser import add_serving
from glmcode.cli.subcommands import SubCommands, SubParser

MAX_NODES = 64


def add_engine(commands: "SubCommands[SubParser]") -> None:
    """`glmcode engine` with all its verbs."""
    engine = commands.add_parser("engine", help="plan, serve and watch an embedded engine")
    verbs = engine.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=SubParser)
    add_plan(verbs)
    add_serving(verbs)
    add_check(verbs)
    add_bench(verbs)


def add_plan(verbs: "SubCommands[SubParser]") -> None:
    """`engine plan`: what runs where."""
    text = "what GLM can run on the GPUs here, or on given ones, and the command lines for it"
    plan = verbs.add_parser("plan", help=text, description=text[0].upper() + text[1:] + ".")
    plan.add_argument(
        "--gpus",
        metavar="SPEC",
        help="of one machine: h100:8, h200:4,h100:2, NAME@GIB:COUNT, none (default: what is here)",
    )
    plan.add_argument("--nodes", type=_nodes, default=1, metavar="N", help="machines with these GPUs, default 1")
    plan.add_argument("--model-path", type=Path, metavar="DIR", help="plan for the checkpoint in this folder")
    plan.add_argument("--context-length", type=_tokens, metavar="N", help="tokens that each of 8 requests must have")
    output = plan.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object")
    output.add_argument(
        "--recipe",
        choices=("lws", "slurm", "gateway"),
        help="print a Kubernetes LeaderWorkerSet, a Slurm script, or the line of SGLang's model gateway",
    )


def _nodes(value: str) -> int:
    return _between(value, 1, MAX_NODES)


def _tokens(value: str) -> int:
    return _between(value, 1024, 10**7)


def _between(value: str, least: int, most: int) -> int:
    if not (value.isascii() and value.isdigit() and least <= int(value[:12]) <= most):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number from {least} to {most}")
    return int(value)
