"""Writes the completion script for zsh: sourced, or saved as `_glmcode` in a folder of `$fpath`."""

import re
import shlex
from collections.abc import Iterable

from glmcode.cli.shells.cases import Cases, Item
from glmcode.cli.shells.tree import Takes

_NOTHING = "''"
_SCRIPT = r"""#compdef @PROG@
# zsh completion for @PROG@; load it with: source <(@PROG@ completion zsh)
@FUNCTION@() {
    local at='' flag='' kind='' word
    local -a items options
    integer i
    for ((i = 2; i < CURRENT; i++)); do
        word=${words[i]}
        if [[ -n $flag ]]; then
            flag=''
            continue
        fi
        [[ $word == '--' ]] && { kind=file; break; }
        case "$at|$word" in
@STEPS@
        esac
    done
    if [[ -z $flag$kind && $PREFIX == --*=* ]]; then
        flag=${PREFIX%%=*}
        compset -P 1 '*='
    fi
    if [[ -n $flag ]]; then
        case "$at|$flag" in
@VALUES@
        esac
        _describe value items
    elif [[ -z $kind ]]; then
        case $at in
@WORDS@
        esac
        if [[ $PREFIX == -* ]]; then
            _describe -o option options
            return
        fi
        _describe command items
    fi
    case $kind in
        file) _files ;;
        folder) _files -/ ;;
    esac
}
if [[ ${funcstack[1]} == @FUNCTION@ ]]; then
    @FUNCTION@ "$@"
elif (( $+functions[compdef] )); then
    compdef @FUNCTION@ @PROG@
fi
"""


def script(prog: str, cases: Cases) -> str:
    """The script, to be sourced or autoloaded."""
    steps = [f"{_quote(f'{at}|{word}')}) at={_quote(to)} ;;" for at, word, to in cases.steps]
    if cases.values:
        steps.append("|".join(_quote(f"{at}|{flag}") for at, flag, _ in cases.values) + ") flag=$word ;;")
    values = [f"{_quote(f'{at}|{flag}')}) {_value(takes)} ;;" for at, flag, takes in cases.values]
    words, paths = dict(cases.words), dict(cases.paths)
    places = [
        f"{_quote(at)}) options=({_list(flags)}) items=({_list(words.get(at, ()))}) "
        f"kind={paths[at].kind if at in paths else _NOTHING} ;;"
        for at, flags in cases.flags
    ]
    filled = {
        "STEPS": _indented(steps),
        "VALUES": _indented(values),
        "WORDS": _indented(places),
        "FUNCTION": "_" + re.sub(r"\W", "_", prog, flags=re.ASCII),
        "PROG": _quote(prog),
    }
    return re.sub(r"@(STEPS|VALUES|WORDS|FUNCTION|PROG)@", lambda match: filled[match.group(1)], _SCRIPT)


def _value(takes: Takes) -> str:
    match takes.kind:
        case "choice":
            return f"items=({_list(Item(choice) for choice in takes.choices)})"
        case "file" | "folder":
            return f"kind={takes.kind}"
        case _:
            return ":"


def _list(items: Iterable[Item]) -> str:
    # The first colon parts word and description.
    return " ".join(_quote(item.word.replace(":", r"\:") + (f":{item.help}" if item.help else "")) for item in items)


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"            {line}" for line in [*lines, "*) ;;"])


def _quote(text: str) -> str:
    return shlex.quote(text) if text else _NOTHING
