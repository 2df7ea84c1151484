"""The command line of glmcode: commands, flags and their help. Standard library only, so that it starts at once."""

import argparse
from pathlib import Path

from glmcode.cli.choices import DIALECT_NAMES, PRESET_NAMES, token_budget
from glmcode.cli.subcommands import SubCommands, SubParser

EXIT_CODES = """\
exit codes:
  0 done (run), verified (fix)        6 the change broke a passing test   69 no engine answers
  1 unexpected failure                7 no sandbox                        75 try again later
  2 usage or configuration            8 permission needed, nobody to ask  77 the key was refused
  3 fix: changed but unverified       9 the answers could not be used    130 interrupted
  4 fix: nothing changed, or nothing failed before                       143 terminated
  5 a limit was reached"""
_LAYERS = """\
Every long flag can also be set as GLMCODE_<FLAG> (--max-steps: GLMCODE_MAX_STEPS) and, by its name, in a
repository's .glmcode/config.toml that you trust and in ~/.config/glmcode/config.toml; the nearer wins.
Keys: GLMCODE_API_KEY, then ZAI_API_KEY (Z.ai only), then OPENAI_API_KEY, then the system keyring.

"""

COMMANDS = (
    "run", "fix", "demo", "pack", "engine", "sandbox", "tool", "session", "airgap", "vscode", "acp", "doctor",
    "completion",
)  # fmt: skip
TOOLS = ("read", "write", "edit", "glob", "grep", "shell", "run_tests")


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser. `args.command` names the command, None the TUI.

    With `only="pack"` it knows that command alone: a pack is not to wait for the flags of all others.
    """
    parser = argparse.ArgumentParser(
        prog="glmcode",
        description=(
            "The terminal coding agent for GLM-4.6. Without a command: the terminal interface,\n"
            "glmcode [PROMPT] [FLAG ...], with the flags of run but those of its output, and --ui plain."
        ),
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=SubParser)
    if only == "pack":
        _add_pack(commands)
    else:
        _add_all(commands)
    return parser


def _add_all(commands: "SubCommands[SubParser]") -> None:
    from glmcode.cli.airgap_parser import add_airgap
    from glmcode.cli.engine_parser import add_engine
    from glmcode.cli.session_parser import add_session
    from glmcode.cli.vscode_parser import add_vscode

    _add_agent_commands(commands)
    _add_pack(commands)
    _add_sandbox(commands)
    _add_tool(commands)
    add_session(commands)
    add_airgap(commands)
    add_vscode(commands)
    _add_small(commands)
    add_engine(commands)
    _add_acp(commands)


def _add_agent_commands(commands: "SubCommands[SubParser]") -> None:
    run = _agent_command(commands, "run", "PROMPT [FLAG ...]", "headless: any task, one turn, then exit")
    run.add_argument("prompt", metavar="PROMPT", nargs="?", help="the task; - reads it from standard input")
    fix = _agent_command(commands, "fix", "ISSUE [FLAG ...]", "headless: fix the issue and prove it")
    fix.add_argument(
        "issue",
        metavar="ISSUE",
        help="a file, - for standard input, text:..., owner/repo#N or its address, or the JSON of gh or a GitHub event",
    )
    demo = _agent_command(
        commands, "demo", "[FLAG ...]", "the whole loop on a bundled sample repository, no key and no GPU needed"
    )
    for command in (run, fix, demo):
        add_shared_flags(command)
        _add_headless_flags(command)


def _add_pack(commands: "SubCommands[SubParser]") -> None:
    pack = commands.add_parser("pack", help="print the context pack for a task, send nothing")
    _add_repo(pack)
    task = pack.add_mutually_exclusive_group(required=True)
    task.add_argument("--issue-file", metavar="F", help="the issue, in every form that fix takes")
    task.add_argument("--task", metavar="TEXT", help="the task, as run takes it")
    _add_pins(pack)
    pack.add_argument(
        "--budget", type=token_budget, default=24_000, metavar="N", help="tokens, or auto (default 24000)"
    )
    pack.add_argument("--format", choices=("text", "json"), help="default text on a terminal, else json")


def _agent_command(commands: "SubCommands[SubParser]", name: str, usage: str, text: str) -> "SubParser":
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        usage=f"glmcode {name} {usage}",
        epilog=_LAYERS + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_repo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repo", type=Path, metavar="DIR", help="default: the git repository around this folder")


def add_shared_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that TUI, run, fix and demo share. None means: not given, ask the next layer."""
    _add_model_flags(parser)
    _add_repository_flags(parser)
    _add_limit_flags(parser)
    _add_offline(parser)
    parser.add_argument(
        "--resume", nargs="?", const="latest", metavar="SESSION", help="go on with a session, default the latest"
    )


def _add_offline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--offline", action="store_true", default=None, help="refuse every connection but the engine's, and list them"
    )


def _add_model_flags(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("model")
    model.add_argument(
        "--engine",
        metavar="ENGINE",
        help="remote (default), sglang (on this machine), scripted:FILE or replay:SESSION (its answers again)",
    )
    model.add_argument("--model-path", metavar="MODEL", help="with --engine sglang: a checkpoint's folder or its name")
    model.add_argument("--preset", choices=PRESET_NAMES, help="a known endpoint: address, model name and dialect")
    model.add_argument("--base-url", metavar="URL", help="any OpenAI-compatible endpoint")
    model.add_argument("--model", metavar="NAME", help="default glm-4.6")
    model.add_argument("--dialect", choices=DIALECT_NAMES,
                       help="how the endpoint is told to think (default: by its address)")  # fmt: skip
    model.add_argument("--extra-body", metavar="JSON", help="sent with every request")
    model.add_argument("--window", type=int, metavar="N", help="the model's window in tokens, where it is not told")
    model.add_argument("--thinking", choices=("on", "off", "auto"), help="default auto")
    model.add_argument(
        "--thinking-budget",
        type=int,
        metavar="N",
        help="tokens one answer may think before it is stopped, default 32768",
    )
    model.add_argument(
        "--context", metavar="N", type=token_budget, help="token budget of the repository pack; 0 = none, default auto"
    )
    _add_pins(model)


def _add_pins(parser: "argparse._ActionsContainer") -> None:
    where = "relative to the repository; may be repeated"
    parser.add_argument(
        "--pin", action="append", metavar="PATH", help=f"have this file, or PATH:FIRST-LAST of it, in the pack, {where}"
    )
    parser.add_argument("--drop", action="append", metavar="PATH", help=f"keep this file or folder out of it, {where}")


def _add_repository_flags(parser: argparse.ArgumentParser, *, names_repository: bool = True) -> None:
    place = parser.add_argument_group("repository and sandbox")
    if names_repository:
        place.add_argument("--repo", type=Path, metavar="DIR", help="default: the git repository around this folder")
    place.add_argument(
        "--sandbox", choices=("docker", "bwrap", "none"), help="default docker; none runs commands on this host"
    )
    place.add_argument("--image", metavar="NAME", help="the sandbox image")
    place.add_argument(
        "--workspace", choices=("direct", "isolated"), help="work on your files, or on a copy (default isolated)"
    )
    place.add_argument(
        "--apply",
        choices=("ask", "auto", "never"),
        help="whether the changes of the copy come to your files (default: what is done, with fix what is verified)",
    )
    place.add_argument(
        "--approval",
        choices=("plan", "ask", "auto", "deny"),
        help="a call that wants to leave the policy (default deny); plan: reading only",
    )
    place.add_argument("--network", choices=("none", "host"), help="default none")
    place.add_argument("--runtime", metavar="NAME", help="a container runtime that the Docker daemon knows (runsc)")
    place.add_argument("--test-command", metavar="CMD", help="how this repository's tests are run")
    place.add_argument(
        "--yes", action="store_true", default=None, help="trust this repository's .glmcode and run its setup commands"
    )


def _add_limit_flags(parser: argparse.ArgumentParser) -> None:
    limits = parser.add_argument_group("limits")
    limits.add_argument("--max-steps", type=int, metavar="N", help="default 200")
    limits.add_argument("--max-tokens", type=int, metavar="N", help="prompt and completion together, default no limit")
    limits.add_argument("--max-cost", type=float, metavar="USD", help="default no limit")
    limits.add_argument("--timeout", type=float, metavar="SECONDS", help="for the whole turn, default no limit")
    limits.add_argument("--command-timeout", type=float, metavar="SECONDS", help="default 120")
    limits.add_argument("--test-timeout", type=float, metavar="SECONDS", help="for one run of the tests, default 1800")
    limits.add_argument(
        "--idle-timeout", type=float, metavar="SECONDS", help="without a sign of life from the endpoint, default 120"
    )
    limits.add_argument(
        "--patience", type=float, metavar="SECONDS", help="with an overloaded or failing endpoint, default 300"
    )


def _add_headless_flags(parser: argparse.ArgumentParser) -> None:
    about = parser.add_argument_group("what the task is about")
    about.add_argument("--file", metavar="PATH[:LINE]", help="a file of the repository, counted from this folder")
    about.add_argument("--selection", metavar="TEXT", help="text selected in it; from editors: GLMCODE_SELECTION")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output", choices=("text", "json", "stream-json", "vscode"), help="default text; vscode: lines for editors"
    )
    output.add_argument("--out", type=Path, metavar="DIR", help="folder for result, patch, report and test results")
    output.add_argument(
        "--verify", choices=("auto", "off"), help="fix: whether the harness proves the change, default auto"
    )
    output.add_argument("--predictions", type=Path, metavar="FILE", help="append a SWE-bench prediction")
    output.add_argument("--instance-id", metavar="ID", help="of that prediction")


def _add_sandbox(commands: "SubCommands[SubParser]") -> None:
    sandbox = commands.add_parser("sandbox", help="build and try the sandbox")
    verbs = sandbox.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=SubParser)
    build = verbs.add_parser("build", help="make the sandbox image; the one built last is the default")
    source = build.add_mutually_exclusive_group()
    source.add_argument(
        "--from-host", action="store_true", help="an empty image with this host's toolchain mounted read-only"
    )
    source.add_argument("--from-rootfs", type=Path, metavar="TAR", help="the tar of a whole root file system")
    build.add_argument("--image", metavar="NAME", help="name it so as well as the default")
    build.add_argument("--yes", action="store_true", default=None, help="also run the repository's setup commands")
    _add_repo(build)
    execute = verbs.add_parser("exec", help="run one shell command as the agent's shell tool would")
    execute.add_argument("--timeout", type=float, metavar="S", help="default 120")
    execute.add_argument("script", metavar="CMD", nargs="*", help="a whole script, as one argument after --")
    _add_place_flags(execute)
    doctor = verbs.add_parser("doctor", help="what of the sandbox is there, what is missing")
    doctor.add_argument("--json", action="store_true", help="one JSON object")


def _add_place_flags(parser: argparse.ArgumentParser) -> None:
    _add_repo(parser)
    parser.add_argument("--sandbox", choices=("docker", "bwrap", "none"), help="default docker")
    parser.add_argument("--image", metavar="NAME", help="the sandbox image")
    parser.add_argument(
        "--workspace", choices=("direct", "isolated"), help="your files (default), or a copy that is gone at the end"
    )
    parser.add_argument("--network", choices=("none", "host"), help="default none")
    parser.add_argument("--runtime", metavar="NAME", help="a container runtime that the Docker daemon knows (runsc)")


def _add_tool(commands: "SubCommands[SubParser]") -> None:
    tool = commands.add_parser("tool", help="run one tool as the model would (for debugging and tests)")
    verbs = tool.add_subparsers(dest="tool", metavar="NAME", required=True, parser_class=SubParser)
    positionals = {
        "read": "PATH [OFFSET [LIMIT]]", "write": "PATH", "edit": "PATH OLD NEW", "glob": "PATTERN [PATH]",
        "grep": "PATTERN [PATH]", "shell": "COMMAND", "run_tests": "[ID ...]",
    }  # fmt: skip
    for name in TOOLS:
        more = " (content on standard input)" if name == "write" else ""
        verb = verbs.add_parser(name, help=f"glmcode tool {name} --repo DIR -- {positionals[name]}{more}")
        verb.add_argument("words", metavar="ARG", nargs="*", help=f"after --: {positionals[name]}{more}")
        _add_place_flags(verb)
        verb.add_argument("--test-command", metavar="CMD", help="how this repository's tests are run")
        verb.add_argument("--command-timeout", type=float, metavar="SECONDS", help="default 120")


def _add_small(commands: "SubCommands[SubParser]") -> None:
    doctor = commands.add_parser("doctor", help="what is there, what is missing, what to do about it")
    doctor.add_argument("--json", action="store_true", help="one JSON object")
    doctor.add_argument("--connect", action="store_true", help="also ask the endpoint whether it answers")
    doctor.add_argument("--preset", choices=PRESET_NAMES, help="as of run")
    doctor.add_argument("--base-url", metavar="URL", help="as of run")
    doctor.add_argument("--model", metavar="NAME", help="as of run")
    completion = commands.add_parser("completion", help="print a completion script")
    completion.add_argument("shell", choices=("bash", "zsh", "fish", "powershell"))


def _add_acp(commands: "SubCommands[SubParser]") -> None:
    acp = _agent_command(
        commands, "acp", "[FLAG ...]", "an agent for editors: the Agent Client Protocol on standard input and output"
    )
    # The editor names the repository and the session.
    _add_model_flags(acp)
    _add_repository_flags(acp, names_repository=False)
    _add_limit_flags(acp)
    _add_offline(acp)
