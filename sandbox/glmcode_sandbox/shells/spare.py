"""The shell that waits for the next command: started beforehand, so that no command pays for it. Only where bash is.

It is the driver's foreground child in a session of its own, as the shell of any command is. It takes one command from
the driver's own input and closes that before it becomes the command's shell.
"""

import asyncio
import secrets
import shlex
import time

from glmcode_sandbox.shells.capture import MARK
from glmcode_sandbox.shells.carrying import beginning
from glmcode_sandbox.shells.script import NAME, Driver, Order, exports

_DISMISSED = "-"
_MARK_BYTES = 64
"""Longer than any marker."""
_NAMES_BYTES = 2**16

# In the end the command is what `bash -c` would have, its string in BASH_EXECUTION_STRING too, and no other variable is
# left; only `set -x` shows it one level deeper. Sizes are in bytes; changing the locale for that takes its time, which
# ASCII does not need. A driver that was killed would never report the end, so without it nothing is begun. All of it is
# line 1, from where the command's lines are counted. Before bash 4.1 `read` knows no sizes.
_WAIT = r"""case $BASH_VERSION in [123].* | 4.0*) printf '\036%s:-\036' READY; exit;; esac
printf '\036%s:%s\036' READY "ENVIRONMENT"
IFS= read -ru3 _glmcode && IFS=' ' read -ru3 _glmcode_mark _glmcode_first _glmcode_size _glmcode_kind || exit
case $_glmcode_kind in ascii) ;; *) _glmcode_all=${LC_ALL-}; LC_ALL=C;; esac
IFS= read -rN "$_glmcode_first" -u3 _glmcode; IFS= read -rN "$_glmcode_size" -u3 BASH_EXECUTION_STRING
case $_glmcode_kind in ascii) ;; *) LC_ALL=$_glmcode_all; [ "$LC_ALL" ] || unset -v LC_ALL;; esac
IFS= read -ru3 _glmcode_size && IFS= read -ru3 _glmcode_size || exit
exec 3<&-
[ "$_glmcode_mark" != DISMISSED ] && kill -0 "$PPID" || exit
printf '\036%s\036' "$_glmcode_mark"
unset -v _glmcode_mark _glmcode_first _glmcode_size _glmcode_kind _glmcode_all
eval "$_glmcode"
command eval "$BASH_EXECUTION_STRING"
""".strip().replace("\n", "; ")
# Bash takes these over when it starts and at no other time.
_FOR_THE_START = ("BASH", "SHELL", "POSIXLY_CORRECT", "UID", "EUID", "PPID")


class Spare:
    """One such shell, as the host knows it."""

    def __init__(self, end: str, names: str | None) -> None:
        """`end`: what the driver reports with when this shell is over, before or after a command. `names`: as below."""
        self.made_s = time.monotonic()
        self.ready = False
        self.settled = asyncio.Event()
        """Set once it is ready, and when it is gone."""
        self.too_old = False
        """Whether the bash there cannot wait for commands."""
        self.names = names
        """The variables of the environment in which the driver's shells begin; asked for where that is None."""
        self._name = secrets.token_hex(12)
        self._end = end
        self._seen = b""

    def lines(self, leader: str) -> bytes:
        """What the driver is told to make it; one compound command, which no shell reads in pieces."""
        asked = "$(compgen -e)" if self.names is None else ""
        text = _WAIT.replace("READY", self._name).replace("DISMISSED", _DISMISSED).replace("ENVIRONMENT", asked)
        words = shlex.quote(text)
        return (
            f"{{ ( exec {leader} bash -c {words} 3<&0 </dev/null 2>&1 ); printf '\\036{self._end}:%d\\036' \"$?\"; }}\n"
        ).encode()

    def feed(self, data: bytes) -> None:
        """Take what came over the channel while it waits."""
        self._seen += data
        ready = MARK + self._name.encode() + b":"
        if MARK + self._end.encode() + b":" in self._seen:
            self.lose()
        elif ready in self._seen:
            names, closed, _ = self._seen.partition(ready)[2].partition(MARK)
            if not closed and len(names) < _NAMES_BYTES:
                return
            if names == b"-":
                self.too_old = True
                self.lose()
                return
            if self.names is None:
                self.names = " ".join(filter(NAME.fullmatch, names.decode(errors="replace").split()))
            self.ready = True
            self.settled.set()
        self._seen = self._seen[-_MARK_BYTES:]

    def lose(self) -> None:
        """It is gone."""
        self.ready = False
        self.settled.set()


def fits(order: Order) -> bool:
    """Whether a shell that runs already can become this command's."""
    return order.stdin is None and not any(name.startswith(_FOR_THE_START) for name in order.env)


def handed(order: Order, driver: Driver, names: str | None, start: str) -> bytes:
    """What the waiting shell is told. `names`: those of the spare."""
    first = f"cd -P -- {shlex.quote(order.workdir)} || exit 126\n"
    if order.carry is None:
        first += exports(order.env)
    else:
        first += beginning("bash", driver.home, order.workdir, exports(order.env), order.carry, names or "")
    first += "\nunset -v _glmcode\n"
    return _told(start, first.encode("utf-8", "surrogateescape"), order.command)


def dismissal() -> bytes:
    """What ends the waiting shell. The driver may get other lines after it at once."""
    return _told(_DISMISSED, b"", b"")


def _told(word: str, first: bytes, command: bytes) -> bytes:
    """For a driver whose waiting shell died this moment the whole is a here-document that nobody reads."""
    stop = secrets.token_hex(6).encode()
    kind = "ascii" if first.isascii() and command.isascii() else "bytes"
    head = f"{word} {len(first)} {len(command)} {kind}\n".encode()
    return b": <<'" + stop + b"'\n" + head + first + command + b"\n" + stop + b"\n"
