"""The flags of `glmcode engine check` and `glmcode engine bench`. Standard library only."""

import argparse
from pathlib import Path

from glmcode.cli.choices import DIALECT_NAMES, PRESET_NAMES
from glmcode.cli.subcommands import SubCommands, SubParser

CHECK_EXIT_CODES = """\
exit codes: 0 nothing failed (warnings do not count), 1 a check failed, 2 usage or configuration,
69 no engine answers, 75 try again later, 77 the key was refused"""
BENCH_EXIT_CODES = """\
exit codes: 0 measured, 2 usage or configuration (also: it costs money and --yes is missing),
9 the answers could not be used, 69 no engine answers, 75 try again later, 77 the key was refused"""


def add_check(verbs: "SubCommands[SubParser]") -> None:
    """`glmcode engine check`."""
    check = _add(
        verbs, "check", "test in about a minute whether an endpoint does what an agent needs", CHECK_EXIT_CODES
    )
    check.add_argument("--window", type=int, metavar="N", help="as of run")
    check.add_argument(
        "--thorough", action="store_true", help="also send what a hosted service may charge: a prompt beyond the window"
    )
    check.add_argument("--timeout", type=float, metavar="SECONDS", help="for the whole test, default 60", dest="limit")


def add_bench(verbs: "SubCommands[SubParser]") -> None:
    """`glmcode engine bench`."""
    bench = _add(verbs, "bench", "measure an endpoint's speed and its cache on a real repository", BENCH_EXIT_CODES)
    bench.add_argument("--repo", type=Path, metavar="DIR", help="default: the git repository around this folder")
    bench.add_argument(
        "--context", type=int, metavar="N", dest="budget", default=24_000, help="tokens of the pack (default 24000)"
    )
    bench.add_argument("--rounds", type=int, metavar="N", default=3, help="default 3")
    bench.add_argument("--yes", action="store_true", dest="pay", help="go on where the endpoint charges for tokens")


def _add(verbs: "SubCommands[SubParser]", name: str, text: str, epilog: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--preset", choices=PRESET_NAMES, help="as of run")
    parser.add_argument("--base-url", metavar="URL", help="as of run")
    parser.add_argument("--model", metavar="NAME", help="as of run")
    parser.add_argument("--dialect", choices=DIALECT_NAMES, help="as of run")
    parser.add_argument("--extra-body", metavar="JSON", help="as of run")
    parser.add_argument("--idle-timeout", type=float, metavar="SECONDS", help="as of run")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser
