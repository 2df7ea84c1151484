"""The shell text by which a command takes over directory, variables and functions from the one before, and hands on its
own."""

import shlex
from typing import Literal

Carry = Literal["keep", "read"]
"""keep: take over and hand on. read: take over only."""

STATE = ".glmcode-state"
"""In the home folder of the sandbox, which is private to it: what the last command left, as shell text.

Two files with the endings -a and -b take turns, and the one without an ending names by this letter which is whole.
"""


def beginning(shell: str, home: str, workdir: str, exports: str, carry: Carry, known: str) -> str:
    """What the shell runs before the command. `exports`: shell text for after the taking over. `known` (bash only):
    shell text that gives the names of the sandbox's own environment.

    A trap hands on, so that a command that fails or calls `exit` does so too; one that is killed, replaces its shell
    or sets a trap of its own for EXIT leaves things as they were before it. What was handed on counts in one step.
    """
    state = shlex.quote(f"{home.rstrip('/')}/{STATE}")
    bash = shell == "bash"
    # What was unset must not come back from the sandbox's own environment.
    forget = f"unset -v {known} 2>/dev/null; " if bash else ""
    lines = [
        "_glmcode_last=",
        f"if [ -r {state} ] && read -r _glmcode_last <{state}; then {forget}. {state}-$_glmcode_last; _glmcode=$OLDPWD",
        f'command cd -- "$PWD" 2>/dev/null || {{ echo "[the directory $PWD is gone; back in the repository]" >&2;'
        f" command cd -P -- {shlex.quote(workdir)}; }}",
        "OLDPWD=$_glmcode; unset -v _glmcode; fi",
        exports,
    ]
    if carry == "keep":
        lines += [
            f'if [ "$_glmcode_last" = a ]; then trap {shlex.quote(_handing_on(state, "b", bash=bash))} EXIT',
            f"else trap {shlex.quote(_handing_on(state, 'a', bash=bash))} EXIT; fi",
        ]
    lines.append("unset -v _glmcode_last")
    return "\n".join(filter(None, lines)) + "\n"


def _handing_on(state: str, letter: str, *, bash: bool) -> str:
    """Works whatever the command did to its shell: traced, clobbering forbidden, PATH, IFS, words changed."""
    functions = " && command declare -f" if bash else ""
    return (
        "{ set +x +v; } 2>/dev/null; command export PWD OLDPWD; "
        f"{{ command export -p{functions}; }} 2>/dev/null >|{state}-{letter} && "
        f"command echo {letter} 2>/dev/null 1<>{state} || :"
    )
