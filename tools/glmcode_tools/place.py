"""Shell text that enters a path of the workspace and refuses one that leads outside, for tools that run commands."""

import shlex

from glmcode_tools.base import ToolOutput, failed

MISSING_EXIT, OUTSIDE_EXIT = 96, 97


def inside_script(path: str, body: str) -> str:
    """A script that resolves `path` and runs `body` in the workspace.

    The body finds `$w` (the workspace), `$t` (the resolved path) and `$r` (the same as `./...`). The script ends with
    MISSING_EXIT or OUTSIDE_EXIT when there is no such place. Names may end in line feeds, hence the `x`.
    """
    target = shlex.quote(path if path.startswith("/") else f"./{path}")
    return f"""w=$(pwd -P; echo x); w=${{w%?x}}
t=$(readlink -f -- {target} && echo x) || exit {MISSING_EXIT}
t=${{t%?x}}
[ -e "$t" ] || exit {MISSING_EXIT}
case "$t/" in "$w"/*) ;; *) exit {OUTSIDE_EXIT} ;; esac
r=".${{t#"$w"}}"
cd "$w" || exit {MISSING_EXIT}
{body}
"""


def place_problem(exit_code: int, path: str) -> ToolOutput | None:
    """What to tell the model when a script of `inside_script` found no such place."""
    match exit_code:
        case 96:
            return failed(f"There is no {path!r} in the workspace.")
        case 97:
            return failed(f"{path!r} lies outside the workspace.")
        case _:
            return None
