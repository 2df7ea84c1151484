"""The shell text that `Shell` sends to its driver: the first lines, and one command in a session of its own."""

import base64
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from glmcode_sandbox.shells.capture import MARK
from glmcode_sandbox.shells.carrying import Carry, beginning

ARGUMENT_BYTES = 100_000
"""A longer command goes through a pipe: one argument may have 128 KiB on Linux."""

NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")

# Runs "$@" as the leader of a new session, with whatever the place has for it.
_LEADERS = (
    "setsid",
    "perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV or exit 127' --",
    "python3 -c 'import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])'",
)


@dataclass(frozen=True, slots=True)
class Driver:
    """What the driver said about itself and its place."""

    pid: int
    """In the place's own numbering."""
    shell: str
    """`bash` where there is one, else `sh`."""
    leader: str
    """The words before a command that give it a session of its own."""
    home: str
    """Its home folder."""


def first_lines(token: str, *, file_bytes: int | None, pids: int | None) -> bytes:
    """What the driver is told at its start; the answer is for `parse_driver`.

    The limits are set only where no container does it. After its answer the driver itself is silent, or it
    would report of every command that was killed; commands get their error output back, see `command_lines`.
    """
    choose = " el".join(
        f"if command -v {leader.split()[0]} >/dev/null 2>&1; then leader={number};"
        for number, leader in enumerate(_LEADERS)
    ).replace(" elif", "\nelif")
    # POSIX counts in blocks of 512 bytes; dash calls the number of processes -p, the others -u.
    ulimit = "" if file_bytes is None else f"ulimit -f {max(1, file_bytes // 512)}\nulimit -c 0\n"
    if pids is not None:
        ulimit += f"ulimit -u {pids} 2>/dev/null || ulimit -p {pids} 2>/dev/null\n"
    return (
        "exec 2>&1\numask 022\n"
        'if [ -n "$HOME" ] && [ -w "$HOME" ] && ! [ -e "$HOME/.gitconfig" ]; then\n'
        "printf '[safe]\\n\\tdirectory = *\\n[user]\\n\\tname = glmcode\\n\\temail = glmcode@localhost\\n"
        '[init]\\n\\tdefaultBranch = main\\n\' >"$HOME/.gitconfig"\nfi\n'
        f"{ulimit}leader=\n{choose}\nfi\n"
        "if command -v bash >/dev/null 2>&1; then shell=bash; else shell=sh; fi\n"
        f'printf \'\\036{token}:%s:%s:%s:%s\\036\' "$$" "$shell" "$leader" "$HOME"\n'
        "exec 2>/dev/null\n"
    ).encode()


def parse_driver(token: str, output: bytes) -> Driver | None:
    """The driver's answer to `first_lines` once it is there."""
    found = re.search(MARK + token.encode() + rb":(\d+):(\w+):(\d?):([^\x1e]*)" + MARK, output)
    if found is None:
        return None
    leader = _LEADERS[int(found[3])] if found[3] else ""
    return Driver(int(found[1]), found[2].decode(), leader, found[4].decode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True)
class Order:
    """One command to be run."""

    command: bytes
    workdir: str
    """Where it begins, unless it takes over another directory."""
    stdin: bytes | None = None
    """None: empty."""
    env: Mapping[str, str] = field(default_factory=dict)
    carry: Carry | None = None
    """What it takes over from the commands before it, and whether it hands on its own."""

    def check(self) -> None:
        """Raises ValueError for what no shell can be told, with the reason."""
        if b"\0" in self.command:
            raise ValueError("the command holds a NUL byte, which no shell can be given; use printf '\\0' or a file")
        for name, value in self.env.items():
            if not NAME.fullmatch(name) or "\0" in value:
                raise ValueError(
                    f"the environment variable {name!r} cannot be set: bad name or a NUL byte in its value"
                )


def command_lines(order: Order, *, driver: Driver, start: str, end: str) -> bytes:
    """One command between its markers."""
    stdin, carry = order.stdin, order.carry
    parts = [f"printf '\\036{start}\\036'\n".encode()]
    bodies = b""
    if stdin is not None:
        parts.append(f"base64 -d <<'{end}I' | ".encode())
        bodies += b"\n".join([base64.encodebytes(stdin).rstrip(b"\n"), end.encode() + b"I\n"])
    words = [f"cd -P -- {shlex.quote(order.workdir)} || exit 126;", exports(order.env)]
    if carry is not None and driver.shell == "bash":
        # What bash reads before a script of -c, so that the script stays as it is: line numbers, messages, $0.
        words.append("export BASH_ENV=/dev/fd/4;")
    parts.append(f"( {' '.join(words)} exec {driver.leader} {driver.shell} ".encode("utf-8", "surrogateescape"))
    script, body = _script(
        order.command, end, b". /dev/fd/4; " if carry is not None and driver.shell != "bash" else b""
    )
    parts.append(script)
    bodies += body
    if carry is not None:
        parts.append(f" 4<<'{end}S'".encode())
        text = "exec 4<&-\nunset BASH_ENV\n"
        text += beginning(driver.shell, driver.home, order.workdir, exports(order.env), carry, "$(compgen -e)")
        bodies += text.encode("utf-8", "surrogateescape") + f"{end}S\n".encode()
    parts.append(b" ) 2>&1" if stdin is not None else b" ) </dev/null 2>&1")
    parts += [b"\n", bodies, f"printf '\\036{end}:%d\\036' \"$?\"\n".encode()]
    return b"".join(parts)


def _script(command: bytes, end: str, first: bytes) -> tuple[bytes, bytes]:
    """The shell's arguments that make it run `first` and the command, and the body of the here-document they need."""
    if len(command) <= ARGUMENT_BYTES:
        return b"-c '" + first + command.replace(b"'", b"'\"'\"'") + b"'", b""
    words = b"-c '" + first + b". /dev/fd/3'" if first else b"/dev/fd/3"
    return words + f" 3<<'{end}C'".encode(), b"\n".join([command, end.encode() + b"C\n"])


def exports(env: Mapping[str, str]) -> str:
    """Shell text that sets and exports all of these."""
    return " ".join(f"export {name}={shlex.quote(value)};" for name, value in env.items())
