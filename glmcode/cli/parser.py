"""The command line of glmcode: commands, flags and their help. Standard library only, so that it starts at once."""

import argparse
from collections.abc import Sequence
from pathlib import Path

EXIT_CODES = """\
exit codes:
  0 done, verified                    6 the change broke a passing test   69 no engine answers
  1 unexpected failure                7 no sandbox                        75 try again later
  2 usage or configuration            8 permission needed, nobody to ask  77 the key was refused
  3 fix: changed but unverified       9 the answers could not be used    130 interrupted
  4 fix: nothing changed/reproduced                                      143 terminated
  5 a limit was reached"""

NOT_BUILT = "not built yet"
COMMANDS = (
    "run", "fix", "demo", "pack", "engine", "sandbox", "tool", "session", "vscode", "acp", "doctor", "completion",
)  # fmt: skip
PRESET_NAMES = (
    "zai", "zai-coding", "bigmodel", "bigmodel-coding", "novita", "openrouter", "sglang", "vllm",
)  # fmt: skip
TOOLS = ("read", "write", "edit", "glob", "grep", "shell", "run_tests")


def build_parser() -> argparse.ArgumentParser:
    """The whole parser. `args.command` names the command, None the TUI."""
    parser = argparse.ArgumentParser(
        prog="glmcode",
        description="The terminal coding agent for GLM-4.6. Without a command: the TUI (not built yet).",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_agent_commands(commands)
    _add_sandbox(commands)
    _add_tool(commands)
    _add_session(commands)
    _add_small(commands)
    _add_later(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """A subcommand's parser: no abbreviated flags, so that new ones never change the meaning of old scripts."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"allow_abbrev": False, **options})  # type: ignore[arg-type]


_Commands = argparse._SubParsersAction


def _add_agent_commands(commands: "_Commands[_Parser]") -> None:
    run = commands.add_parser("run", help="headless: any task, one turn, then exit", epilog=EXIT_CODES,
                              formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    run.add_argument("prompt", metavar="PROMPT", nargs="?", help="the task; - reads it from standard input")
    fix = commands.add_parser("fix", help="headless: fix the issue and prove it", epilog=EXIT_CODES,
                              formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    fix.add_argument("issue", metavar="ISSUE", help="a file, - for standard input, text:..., or owner/repo#N")
    demo = commands.add_parser("demo", help="the whole loop on a bundled sample repository, no key and no GPU needed")
    for command in (run, fix, demo):
        _add_shared_flags(command)
        _add_headless_flags(command)
    pack = commands.add_parser("pack", help="print the context pack for a task, send nothing")
    pack.add_argument("--repo", type=Path, metavar="DIR")
    task = pack.add_mutually_exclusive_group(required=True)
    task.add_argument("--issue-file", metavar="F")
    task.add_argument("--task", metavar="TEXT")
    pack.add_argument("--budget", type=int, default=24_000, metavar="N", help="tokens (default 24000)")
    pack.add_argument("--format", choices=("text", "json"))


def _add_shared_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that TUI, run, fix and demo share. None means: not given, ask the next layer."""
    model = parser.add_argument_group("model")
    model.add_argument(
        "--engine", metavar="ENGINE", help="remote (default) or scripted:FILE; sglang, replay:SESSION are " + NOT_BUILT
    )
    model.add_argument("--preset", choices=PRESET_NAMES, help="a known endpoint: address, model name and dialect")
    model.add_argument("--base-url", metavar="URL", help="any OpenAI-compatible endpoint")
    model.add_argument("--model", metavar="NAME")
    model.add_argument("--dialect", choices=("auto", "zai", "sglang", "vllm", "openrouter", "novita", "plain"),
                       help="how the endpoint is told to think (default: by its address)")  # fmt: skip
    model.add_argument("--extra-body", metavar="JSON", help="sent with every request")
    model.add_argument("--window", type=int, metavar="N", help="the model's window in tokens, where it is not told")
    model.add_argument("--thinking", choices=("on", "off", "auto"))
    model.add_argument(
        "--context", metavar="N", type=_context, help="token budget of the repository pack, 0 = none, auto"
    )
    place = parser.add_argument_group("repository and sandbox")
    place.add_argument("--repo", type=Path, metavar="DIR", help="default: the git repository around the current folder")
    place.add_argument(
        "--sandbox", choices=("docker", "bwrap", "none"), help="default docker; none runs commands on this host"
    )
    place.add_argument("--image", metavar="NAME", help="the sandbox image")
    place.add_argument("--workspace", choices=("direct", "isolated"))
    place.add_argument(
        "--apply", choices=("ask", "auto", "never"), help="what happens to an isolated workspace's changes"
    )
    place.add_argument(
        "--approval", choices=("plan", "ask", "auto", "deny"), help="when a call wants to leave the policy"
    )
    place.add_argument("--network", choices=("none", "host"), help="default none")
    place.add_argument("--test-command", metavar="CMD", help="how this repository's tests are run")
    place.add_argument(
        "--yes", action="store_true", default=None, help="trust this repository's .glmcode and run its setup commands"
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument("--max-steps", type=int, metavar="N", help="default 200")
    limits.add_argument("--max-tokens", type=int, metavar="N")
    limits.add_argument("--max-cost", type=float, metavar="USD")
    limits.add_argument("--timeout", type=float, metavar="SECONDS", help="for the whole turn")
    limits.add_argument("--command-timeout", type=float, metavar="SECONDS", help="default 120")
    limits.add_argument("--test-timeout", type=float, metavar="SECONDS", help="for one run of the tests, default 1800")
    limits.add_argument(
        "--idle-timeout", type=float, metavar="SECONDS", help="without a sign of life from the endpoint, default 120"
    )
    limits.add_argument("--patience", type=float, metavar="SECONDS", help="with an overloaded endpoint, default 120")
    parser.add_argument("--offline", action="store_true", default=None, help=NOT_BUILT)
    parser.add_argument(
        "--resume", nargs="?", const="latest", metavar="SESSION", help="go on with a session, default the latest"
    )


def _context(value: str) -> int | str:
    return value if value == "auto" else int(value)


def _add_headless_flags(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output", choices=("text", "json", "stream-json", "vscode"), help="default text; vscode is " + NOT_BUILT
    )
    output.add_argument("--out", type=Path, metavar="DIR", help="folder for result, patch, report and test results")
    output.add_argument("--verify", choices=("auto", "off"), help="fix: whether the harness proves the change")
    output.add_argument("--predictions", type=Path, metavar="FILE", help="append a SWE-bench prediction")
    output.add_argument("--instance-id", metavar="ID")


def _add_sandbox(commands: "_Commands[_Parser]") -> None:
    sandbox = commands.add_parser("sandbox", help="build and try the sandbox")
    verbs = sandbox.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    build = verbs.add_parser("build", help="make the sandbox image; the one built last is the default")
    source = build.add_mutually_exclusive_group()
    source.add_argument(
        "--from-host", action="store_true", help="an empty image with this host's toolchain mounted read-only"
    )
    source.add_argument("--from-rootfs", type=Path, metavar="TAR", help="a root file system")
    build.add_argument("--image", metavar="NAME", help="another name than the default")
    build.add_argument("--yes", action="store_true", default=None, help="also run the repository's setup commands")
    build.add_argument("--repo", type=Path, metavar="DIR")
    execute = verbs.add_parser("exec", help="run one shell command as the agent's shell tool would")
    execute.add_argument("--timeout", type=float, metavar="S", help="default 120")
    execute.add_argument("script", metavar="CMD", nargs="?", help="a whole script, as one argument after --")
    _add_place_flags(execute)
    doctor = verbs.add_parser("doctor", help="what of the sandbox is there, what is missing")
    doctor.add_argument("--json", action="store_true")


def _add_place_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repo", type=Path, metavar="DIR")
    parser.add_argument("--sandbox", choices=("docker", "bwrap", "none"))
    parser.add_argument("--image", metavar="NAME")
    parser.add_argument("--workspace", choices=("direct", "isolated"))
    parser.add_argument("--network", choices=("none", "host"))


def _add_tool(commands: "_Commands[_Parser]") -> None:
    tool = commands.add_parser("tool", help="run one tool as the model would (for debugging and tests)")
    verbs = tool.add_subparsers(dest="tool", metavar="NAME", required=True, parser_class=_Parser)
    positionals: dict[str, Sequence[str]] = {
        "read": ["path"], "write": ["path"], "edit": ["path", "old", "new"], "glob": ["pattern", "path"],
        "grep": ["pattern", "path"], "shell": ["command_line"], "run_tests": ["ids"],
    }  # fmt: skip
    for name in TOOLS:
        verb = verbs.add_parser(name, help=f"glmcode tool {name} --repo DIR -- {' '.join(positionals[name]).upper()}")
        verb.add_argument("words", metavar="ARG", nargs="*", help=", ".join(positionals[name]))
        _add_place_flags(verb)
        verb.add_argument("--test-command", metavar="CMD")
        verb.add_argument("--command-timeout", type=float, metavar="SECONDS")


def _add_session(commands: "_Commands[_Parser]") -> None:
    session = commands.add_parser("session", help="list, show and export sessions")
    verbs = session.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    listing = verbs.add_parser("list", help="sessions of this repository, newest first")
    listing.add_argument("--json", action="store_true")
    listing.add_argument("--all", action="store_true", help="of every repository")
    listing.add_argument("--repo", type=Path, metavar="DIR")
    for name, text in (("show", "the conversation, for reading"), ("export", "the conversation as JSON or Markdown")):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("session", metavar="SESSION", nargs="?", help="default: the latest of this repository")
        verb.add_argument("--repo", type=Path, metavar="DIR")
        if name == "export":
            verb.add_argument("--format", choices=("json", "markdown"), default="json")
    for name in ("replay", "diff", "restore"):
        _later(verbs, name)


def _add_small(commands: "_Commands[_Parser]") -> None:
    doctor = commands.add_parser("doctor", help="what is there, what is missing, what to do about it")
    doctor.add_argument("--json", action="store_true")
    doctor.add_argument("--connect", action="store_true", help="also ask the endpoint whether it answers")
    doctor.add_argument("--preset", choices=PRESET_NAMES)
    doctor.add_argument("--base-url", metavar="URL")
    doctor.add_argument("--model", metavar="NAME")
    completion = commands.add_parser("completion", help="print a completion script")
    completion.add_argument("shell", choices=("bash", "zsh", "fish", "powershell"))


def _add_later(commands: "_Commands[_Parser]") -> None:
    engine = commands.add_parser("engine", help=f"plan, serve and watch an embedded engine ({NOT_BUILT})")
    verbs = engine.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for name in ("plan", "serve", "status", "stop", "check", "bench"):
        _later(verbs, name)
    vscode = commands.add_parser("vscode", help=f"tasks for VS Code ({NOT_BUILT})")
    verbs = vscode.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for name in ("init", "remove"):
        _later(verbs, name)
    _later(commands, "acp")


def _later(commands: "_Commands[_Parser]", name: str) -> None:
    parser = commands.add_parser(name, help=NOT_BUILT)
    parser.set_defaults(later=True)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
