"""The shell text by which a command takes over directory, variables and functions from the one before, and hands on its
own."""

import shlex
from typing import Literal

Carry = Literal["keep", "read"]
"""keep: take over and hand on. read: take over only."""

STATE = ".glmcode-state"
"""In the home folder of the sandbox, which is private to it: what the last command left, as shell text."""


def beginning(shell: str, home: str, workdir: str, exports: str, carry: Carry) -> str:
    """What the shell runs before the command, read from descriptor 4. `exports`: shell text for after the taking over.

    A trap hands on, so that a command that fails or calls `exit` does so too; one that is killed, replaces its shell
    or sets a trap of its own for EXIT leaves things as they were before it. The file appears in one step.
    """
    state = shlex.quote(f"{home.rstrip('/')}/{STATE}")
    bash = shell == "bash"
    # What was unset must not come back from the sandbox's own environment.
    forget = (
        "for _glmcode in $(compgen -e); do unset -v $_glmcode; done 2>/dev/null; unset -v _glmcode; " if bash else ""
    )
    lines = [
        "exec 4<&-",
        "unset BASH_ENV",
        f"if [ -r {state} ]; then {forget}. {state}; _glmcode=$OLDPWD",
        f'cd -- "$PWD" 2>/dev/null || {{ echo "[the directory $PWD is gone; back in the repository]" >&2;'
        f" cd -P -- {shlex.quote(workdir)}; }}",
        "OLDPWD=$_glmcode; unset -v _glmcode; fi",
        exports,
    ]
    if carry == "keep":
        functions = "declare -f; " if bash else ""
        # Whatever the command did to its shell: traced, clobbering forbidden, PATH and IFS changed, `mv` a function.
        trap = (
            "{ set +x +v; } 2>/dev/null; export PWD OLDPWD; "
            f"{{ export -p; {functions}}} 2>/dev/null >|{state}.new && "
            f"PATH=/usr/bin:/bin command mv -f {state}.new {state} 2>/dev/null || :"
        )
        lines.append(f"trap {shlex.quote(trap)} EXIT")
    return "\n".join(filter(None, lines)) + "\n"
