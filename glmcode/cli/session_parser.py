"""The command line of `glmcode session`."""

import argparse
from pathlib import Path

from glmcode.cli.subcommands import SubCommands, SubParser

_POINTS = """\
points: start, end, or the number of a step, as `session steps` lists them; an id that a restore printed (r1)
names the state before that restore. SESSION is an id of `session list`, default the latest of this repository."""


def add_session(commands: "SubCommands[SubParser]") -> None:
    session = commands.add_parser("session", help="list, show, compare, restore, fork and export sessions")
    verbs = session.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=SubParser)
    listing = verbs.add_parser("list", help="sessions of this repository, newest first")
    listing.add_argument("--json", action="store_true", help="one JSON object")
    listing.add_argument("--all", action="store_true", help="of every repository")
    _add_repo(listing)
    for name, text in (
        ("show", "the conversation, for reading"),
        ("export", "the conversation as JSON or Markdown"),
        ("replay", "tell it again as it went, step by step; nothing is asked or run"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("session", metavar="SESSION", nargs="?", help="default: the latest of this repository")
        _add_repo(verb)
        if name == "export":
            verb.add_argument("--format", choices=("json", "markdown", "html"), default="json", help="default json")
        if name == "replay":
            verb.add_argument("--output", choices=("text", "stream-json"), default="text", help="default text")
    _add_time_machine(verbs)


def _add_time_machine(verbs: "SubCommands[SubParser]") -> None:
    steps = _verb(verbs, "steps", "[SESSION]", "the steps of a session and the files that each changed")
    steps.add_argument("--json", action="store_true", help="one JSON object")
    diff = _verb(verbs, "diff", "[SESSION] [A] [B]", "what changed from one point to another, as a patch")
    diff.add_argument("--stat", action="store_true", help="only the files and how many lines")
    diff.add_argument("--json", action="store_true", help="one JSON object")
    restore = _verb(verbs, "restore", "POINT [SESSION]", "go back to a point; `restore undo` takes the last one back")
    what = restore.add_mutually_exclusive_group()
    what.add_argument("--files", dest="what", action="store_const", const="files", help="only the files")
    what.add_argument(
        "--conversation", dest="what", action="store_const", const="conversation", help="only the conversation"
    )
    what.add_argument(
        "--both",
        dest="what",
        action="store_const",
        const="both",
        help="the default; of r1 or undo what that restore brought",
    )
    restore.add_argument(
        "--only", action="append", metavar="PATH", help="of the files only this one, by its path in the repository"
    )
    restore.add_argument("--overwrite", action="store_true", help="also files that you changed since")
    restore.add_argument("--yes", action="store_true", help="do not ask")
    restore.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    _verb(verbs, "fork", "POINT [SESSION]", "a new session that goes on from a point of this one")


def _verb(verbs: "SubCommands[SubParser]", name: str, words: str, text: str) -> "SubParser":
    verb = verbs.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        usage=f"glmcode session {name} {words} [FLAG ...]",
        epilog=_POINTS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("words", metavar=words, nargs="*", help="in any order; see below")
    _add_repo(verb)
    return verb


def _add_repo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repo", type=Path, metavar="DIR", help="default: the git repository around this folder")
