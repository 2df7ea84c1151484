"""Writes the completion script for bash; it works from bash 3.2 on and needs no bash-completion."""

import re
import shlex
from collections.abc import Iterable

from glmcode.cli.shells.cases import Cases
from glmcode.cli.shells.tree import Takes

_NOTHING = "''"
_SCRIPT = r"""# bash completion for @PROG@; load it with: source <(@PROG@ completion bash)
@FUNCTION@() {
    local cur=${COMP_WORDS[COMP_CWORD]} at='' flag='' kind='' word item i
    local -a words=() flags=()
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $flag ]]; then
            [[ $word == '=' ]] || flag=''
            continue
        fi
        [[ $word == '--' ]] && { kind=file; break; }
        case "$at|$word" in
@STEPS@
        esac
    done
    if [[ -n $flag ]]; then
        [[ $cur == '=' ]] && cur=''
        case "$at|$flag" in
@VALUES@
        esac
    elif [[ -z $kind ]]; then
        case $at in
@WORDS@
        esac
        [[ $cur == -* ]] && { words=("${flags[@]}"); kind=''; }
    fi
    for item in "${words[@]}"; do
        [[ $item == "$cur"* ]] && COMPREPLY+=("$item")
    done
    case $kind in
        file) compopt -o filenames 2>/dev/null
            while IFS= read -r item; do COMPREPLY+=("$item"); done < <(compgen -f -- "$cur") ;;
        folder) compopt -o filenames 2>/dev/null
            while IFS= read -r item; do COMPREPLY+=("$item"); done < <(compgen -d -- "$cur") ;;
    esac
}
complete -F @FUNCTION@ -- @PROG@
"""


def script(prog: str, cases: Cases) -> str:
    """The script, to be sourced."""
    steps = [f"{_quote(f'{at}|{word}')}) at={_quote(to)} ;;" for at, word, to in cases.steps]
    if cases.values:
        steps.append("|".join(_quote(f"{at}|{flag}") for at, flag, _ in cases.values) + ") flag=$word ;;")
    values = [f"{_quote(f'{at}|{flag}')}) {_value(takes)} ;;" for at, flag, takes in cases.values]
    words, paths = dict(cases.words), dict(cases.paths)
    places = [
        f"{_quote(at)}) flags=({_list(item.word for item in flags)}) "
        f"words=({_list(item.word for item in words.get(at, ()))}) "
        f"kind={paths[at].kind if at in paths else _NOTHING} ;;"
        for at, flags in cases.flags
    ]
    filled = {
        "STEPS": _indented(steps),
        "VALUES": _indented(values),
        "WORDS": _indented(places),
        "FUNCTION": "_" + re.sub(r"\W", "_", prog, flags=re.ASCII),
        "PROG": _quote(prog) if not re.fullmatch(r"[\w.-]+", prog) else prog,
    }
    return re.sub(r"@(STEPS|VALUES|WORDS|FUNCTION|PROG)@", lambda match: filled[match.group(1)], _SCRIPT)


def _value(takes: Takes) -> str:
    match takes.kind:
        case "choice":
            return f"words=({_list(takes.choices)})"
        case "file" | "folder":
            return f"kind={takes.kind}"
        case _:
            return ":"


def _list(words: Iterable[str]) -> str:
    return " ".join(map(_quote, words))


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"            {line}" for line in [*lines, "*) ;;"])


def _quote(text: str) -> str:
    return shlex.quote(text) if text else _NOTHING
