"""The command line of `glmcode vscode`. Standard library only."""

from pathlib import Path
from typing import TYPE_CHECKING

from glmcode.cli.subcommands import SubParser

if TYPE_CHECKING:
    from glmcode.cli.subcommands import SubCommands


def add_vscode(commands: "SubCommands[SubParser]") -> None:
    """Add the command and its verbs."""
    vscode = commands.add_parser("vscode", help="tasks for VS Code")
    verbs = vscode.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=SubParser)
    for name, text in (
        ("init", "put our tasks into .vscode/tasks.json; everything else in it stays as it is"),
        ("remove", "take exactly our tasks out again"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")
        verb.add_argument("--user", action="store_true", help="the user's own tasks, which every folder has")
        verb.add_argument("--repo", type=Path, metavar="DIR", help="default: the git repository around this folder")
    verbs.add_parser("tasks", help="print the tasks as one JSON object, as the extension reads them")
    state = verbs.add_parser("state", help="print how a session is as one JSON object, for the extension")
    file = verbs.add_parser("file", help="print a file at a point of a session, for the extension (exit 4: not there)")
    file.add_argument("point", metavar="POINT", help="start, end or the number of a step")
    file.add_argument("path", metavar="PATH", help="in the repository")
    for verb in (state, file):
        verb.add_argument("--session", metavar="SESSION", help="default: the latest of this repository")
        verb.add_argument("--repo", type=Path, metavar="DIR", help="default: the git repository around this folder")
