"""Reads and writes workspace files through the sandbox itself, one command an operation.

The paths come from a model: they are resolved inside the sandbox, where a link leads to what the sandbox sees and
never to a file of the host. Between the check and the use a background process may still swap a link; in a
container or in bubblewrap that reaches nothing but the sandbox's own files. Without a sandbox (kind `none`) commands
may read the host anyway, so the check guards against mistakes there, not against malice.
"""

import posixpath
import shlex
from collections.abc import Awaitable
from typing import Literal, Protocol

from glmcode_sandbox.base import ExecResult, FileProblem, SandboxError
from glmcode_sandbox.clean import one_line

FILE_TIMEOUT_S = 60.0
_WORDS_BYTES = 4096

_Reason = Literal["missing", "is_directory", "not_regular", "outside", "too_large", "denied"]
_REASONS: dict[int, tuple[_Reason, str]] = {
    41: ("missing", "there is no such file"),
    42: ("is_directory", "it is a directory"),
    43: ("not_regular", "it is not a regular file"),
    44: ("outside", "it lies outside the workspace"),
    45: ("too_large", "it is too large"),
    46: ("denied", "permission denied"),
    47: ("missing", "it is a link that leads nowhere"),
}

# $r becomes the resolved path. `x` keeps line ends at the end of a name from being eaten by $( ).
_CHECK = """
w=$(pwd -P; printf x); w=${w%??}
inside() { case "$1" in "${w%/}"/*) ;; "$w") ;; *) exit 44;; esac; }
resolve() { r=$(readlink -f -- "$1" 2>/dev/null; printf x); r=${r%x}; r=${r%?}; }
"""

_READ = """
resolve "$f"
if [ -z "$r" ]; then [ -L "$f" ] && exit 47; exit 41; fi
inside "$r"
if [ ! -e "$r" ]; then [ -L "$f" ] && exit 47; exit 41; fi
[ -d "$r" ] && exit 42
[ -f "$r" ] || exit 43
[ -r "$r" ] || exit 46
s=$(stat -c %s -- "$r" 2>/dev/null || stat -f %z -- "$r") || exit 46
if [ "$s" -gt "$max" ]; then printf %s "$s"; exit 45; fi
exec head -c "$((max + 1))" -- "$r"
"""

# Missing folders are made below the deepest one that exists, once that is known to lie inside.
_WRITE = """
a=$f
while [ ! -e "$a" ] && [ ! -L "$a" ]; do a=${a%/*}; [ -n "$a" ] || exit 44; done
resolve "$a"
[ -n "$r" ] || exit 47
r=$r${f#"$a"}
inside "$r"
[ -d "$r" ] && exit 42
if [ -e "$r" ]; then
  [ -f "$r" ] || exit 43
  [ -w "$r" ] || exit 46
fi
d=${r%/*}
mkdir -p -- "$d" || exit 48
t=$(mktemp "$d/.glmcode.XXXXXX") || exit 48
trap 'rm -f -- "$t"' EXIT
cat >"$t" || exit 48
if [ -e "$r" ]; then m=$(stat -c %a -- "$r" 2>/dev/null || stat -f %Lp -- "$r"); else m==rw; fi
chmod "$m" "$t" && mv -f -- "$t" "$r" || exit 48
"""


class RunsCommands(Protocol):
    """What of a sandbox is needed here."""

    def exec(
        self, command: str, *, timeout_s: float = ..., stdin: bytes | None = ..., keep_bytes: int = ...
    ) -> Awaitable[ExecResult]: ...


async def read_file(sandbox: RunsCommands, workdir: str, path: str, *, max_bytes: int) -> bytes:
    """See `Sandbox.read_file`. SandboxError when no command runs: what was left running may take all processes."""
    script = f"f={_target(workdir, path)}\nmax={max_bytes}\n{_CHECK}{_READ}"
    result = await sandbox.exec(script, timeout_s=FILE_TIMEOUT_S, keep_bytes=max_bytes + _WORDS_BYTES)
    if result.exit_code == 0 and len(result.output) > max_bytes:
        raise FileProblem("too_large", f"{_name(path)}: it grew beyond {max_bytes} bytes while it was read")
    if result.exit_code != 0:
        raise _problem(path, result, max_bytes)
    return result.output


async def write_file(sandbox: RunsCommands, workdir: str, path: str, data: bytes) -> None:
    """See `Sandbox.write_file`, and `read_file`."""
    script = f"f={_target(workdir, path)}\n{_CHECK}{_WRITE}"
    result = await sandbox.exec(script, timeout_s=FILE_TIMEOUT_S, stdin=data)
    if result.exit_code != 0:
        raise _problem(path, result, None)


def _target(workdir: str, path: str) -> str:
    """The absolute path as a word of the shell; `..` is taken as text, as the model means it."""
    if not path or "\0" in path:
        raise FileProblem("missing", "a path cannot be empty or hold a NUL byte")
    return shlex.quote(posixpath.normpath(posixpath.join(workdir, path)).replace("//", "/"))


def _name(path: str) -> str:
    return one_line(path, 200)


def _problem(path: str, result: ExecResult, max_bytes: int | None) -> Exception:
    words = one_line(result.output[-_WORDS_BYTES:], 300)
    if result.note and not result.timed_out:
        # Where no process could be started, what the script found out means nothing.
        return SandboxError(f"{_name(path)}: {result.note}")
    match result.exit_code:
        case 45:
            return FileProblem("too_large", f"{_name(path)}: it has {words} bytes, more than the {max_bytes} allowed")
        case code if code in _REASONS:
            reason, text = _REASONS[code]
            return FileProblem(reason, f"{_name(path)}: {text}")
        case 48:
            return FileProblem("denied", f"{_name(path)}: it cannot be written: {words}")
        case 124:
            return FileProblem("denied", f"{_name(path)}: nothing came within {FILE_TIMEOUT_S:.0f} s")
        case _:
            return SandboxError(f"{_name(path)}: exit code {result.exit_code}: {result.note or words}")
