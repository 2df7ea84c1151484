"""The entry point: parse, dispatch, and turn every known failure into one clear line and its exit code."""

import io
import os
import sys
from collections.abc import Sequence

from glmcode import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run glmcode. Returns the exit code; usage errors exit with 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without some character is no failure
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(f"glmcode {__version__}")
        return 0
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print("glmcode: interrupted", file=sys.stderr)
        return 130
    finally:
        _flush()


def _dispatch(arguments: list[str]) -> int:
    from glmcode.cli.parser import NOT_BUILT, build_parser

    arguments, script = _split_script(arguments)
    parser = build_parser()
    if _is_tui(arguments):
        print(f"glmcode: the TUI is {NOT_BUILT}; use `glmcode run PROMPT` or `glmcode fix ISSUE`", file=sys.stderr)
        return 2
    options, unknown = parser.parse_known_args(arguments)
    if options.version:
        print(f"glmcode {__version__}")
        return 0
    if getattr(options, "later", False):
        print(f"glmcode: {' '.join(arguments[:2])} is {NOT_BUILT}", file=sys.stderr)
        return 2
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    from glmcode.cli.commands import run_command

    return run_command(options, script, parser)


def _split_script(arguments: list[str]) -> tuple[list[str], list[str] | None]:
    """Take what follows `--` of `sandbox exec` and `tool NAME` literally, whatever it looks like."""
    literal = arguments[:2] == ["sandbox", "exec"] or arguments[:1] == ["tool"]
    if literal and "--" in arguments:
        at = arguments.index("--")
        return arguments[:at], arguments[at + 1 :]
    return arguments, None


def _is_tui(arguments: Sequence[str]) -> bool:
    """Whether this is `glmcode [PROMPT]` rather than a command, `--help` or `--version`."""
    from glmcode.cli.parser import COMMANDS

    if any(word in ("-h", "--help", "--version") for word in arguments):
        return False
    return not arguments or arguments[0] not in COMMANDS


def _flush() -> None:
    """Write what is buffered; a reader that went away is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
