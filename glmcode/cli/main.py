"""The entry point: parse, dispatch, and turn every known failure into one clear line and its exit code."""

import io
import os
import sys
from collections.abc import Sequence

from glmcode import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run glmcode. Returns the exit code; usage errors exit with 2."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without some character is no failure
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(f"glmcode {__version__}")
        return 0
    code = 1
    try:
        code = _dispatch(arguments)
    except KeyboardInterrupt:
        print("glmcode: interrupted", file=sys.stderr)
        code = 130
    finally:
        written = _flush()
    return code if written else code or 1


def _dispatch(arguments: list[str]) -> int:
    if _is_tui(arguments):
        return _interactive(arguments)
    from glmcode.cli.parser import build_parser

    arguments, script = _split_script(arguments)
    parser = build_parser(only=arguments[0])
    options, unknown = parser.parse_known_args(arguments)
    if options.version:
        print(f"glmcode {__version__}")
        return 0
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.command == "pack":
        from glmcode.cli.pack import run_pack

        return run_pack(options)
    from glmcode.cli.commands import run_command

    return run_command(options, script, parser)


def _interactive(arguments: list[str]) -> int:
    from glmcode.cli.interactive_parser import interactive_parser

    options = interactive_parser().parse_args(arguments)
    from glmcode.cli.interactive import interactive

    try:
        return interactive(options)
    except Exception as error:
        from glmcode.cli.commands import failed  # knows all errors, so its imports take a while

        return failed(error)


def _split_script(arguments: list[str]) -> tuple[list[str], list[str] | None]:
    """Take what follows `--` of `sandbox exec`, `engine serve` and `tool NAME` literally, whatever it looks like."""
    literal = arguments[:2] in (["sandbox", "exec"], ["engine", "serve"]) or arguments[:1] == ["tool"]
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


def _open_closed_streams() -> None:
    """What was closed at the start (`>&-`) leads nowhere, and no file that is opened later gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _flush() -> bool:
    """Write what is buffered, and say whether it came through; a reader that went away is no error."""
    try:
        sys.stdout.flush()
        return True
    except OSError as error:
        gone = isinstance(error, BrokenPipeError)
        if not gone:
            print(f"glmcode: standard output: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return gone


if __name__ == "__main__":
    sys.exit(main())
