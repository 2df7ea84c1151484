"""Writes the completion script for fish, from version 3.0 on."""

import re
from collections.abc import Iterable

from glmcode.cli.shells.cases import Cases
from glmcode.cli.shells.tree import Command, Flag, Takes

_SCRIPT = r"""# fish completion for @PROG@; load it with: @PROG@ completion fish | source
function @FUNCTION@_at --description 'Whether the command line has reached a command'
    set -l steps @STEPS@
    set -l values @VALUES@
    set -l at ''
    set -l skip 0
    set -l line (commandline -opc)
    for word in $line[2..-1]
        if test $skip = 1
            set skip 0
        else if test "$word" = --
            set at --
            break
        else if contains -- "$at|$word" $steps
            set at (string trim -- "$at $word")
        else if contains -- "$at|$word" $values
            set skip 1
        end
    end
    test "$at" = "$argv[1]"
end
complete -c @PROG@ -e
complete -c @PROG@ -f
complete -c @PROG@ -n '@FUNCTION@_at --' -F
@LINES@
"""


def script(prog: str, cases: Cases, root: Command) -> str:
    """The script, to be sourced or saved in fish's completions folder."""
    function = "__" + re.sub(r"\W", "_", prog, flags=re.ASCII)
    lines = [line for command in root.walk() for line in _lines(_quote(prog), function, command)]
    filled = {
        "STEPS": " ".join(_quote(f"{at}|{word}") for at, word, _ in cases.steps),
        "VALUES": " ".join(_quote(f"{at}|{flag}") for at, flag, _ in cases.values),
        "LINES": "\n".join(lines),
        "FUNCTION": function,
        "PROG": _quote(prog) if not re.fullmatch(r"[\w.-]+", prog) else prog,
    }
    return re.sub(r"@(STEPS|VALUES|LINES|FUNCTION|PROG)@", lambda match: filled[match.group(1)], _SCRIPT)


def _lines(prog: str, function: str, command: Command) -> Iterable[str]:
    start = f"complete -c {prog} -n {_quote(f'{function}_at {_quote(command.key)}')}"
    for sub in command.commands:
        yield f"{start} -a {_arguments([sub.path[-1]])}{_description(sub.help)}"
    match command.positional:
        case Takes(kind="choice", choices=choices):
            yield f"{start} -a {_arguments(choices)}"
        case Takes(kind="file"):
            yield f"{start} -F"
        case Takes(kind="folder"):
            yield f"{start} -a '(__fish_complete_directories)'"
        case _:
            pass
    for flag in command.flags:
        yield start + "".join(_spelling(name) for name in flag.names) + _value(flag) + _description(flag.help)


def _spelling(name: str) -> str:
    if name.startswith("--"):
        return f" -l {name[2:]}"
    return f" -{'s' if len(name) == 2 else 'o'} {name[1:]}"


def _value(flag: Flag) -> str:
    match flag.takes.kind:
        case "choice":
            return f" -x -a {_arguments(flag.takes.choices)}"
        case "file":
            return " -r -F"
        case "folder":
            return " -x -a '(__fish_complete_directories)'"
        case "text":
            return " -x"
        case _:
            return ""


def _description(text: str) -> str:
    return f" -d {_quote(text)}" if text else ""


def _arguments(words: Iterable[str]) -> str:
    # Read twice: as the argument of `complete`, and when it offers them.
    return _quote(" ".join(map(_quote, words)))


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
