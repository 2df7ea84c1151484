"""The conversation view in a terminal of its own: typing, opening, streaming, idling and memory, as ratios."""

import contextlib
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from benchmarks.tui_child import READY

MESSAGES = 10_000
FEW = 100
WIDGETS = 28
"""Of the first screen."""
TOKENS_PER_SECOND = 2_000
KEYS = 120
ROUNDS = 5
_SECONDS = 6.0
_PROMPT = "What shall be done?"
_SIZE = (30, 100)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Terminal:
    """A child on a terminal of 100x30."""

    process: subprocess.Popen[bytes]
    descriptor: int
    started: float
    seconds_to_text: float = 0.0
    shown: bytearray = field(default_factory=bytearray)

    def read(self, seconds: float) -> bytes:
        """What it writes within that time, as soon as there is something."""
        if not select.select([self.descriptor], [], [], max(0.0, seconds))[0]:
            return b""
        return os.read(self.descriptor, 1 << 16)

    def drain(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def until(self, text: bytes) -> None:
        end = time.monotonic() + 60
        self.shown.clear()
        while text not in self.shown:
            if time.monotonic() > end:
                raise SystemExit(f"{text!r} did not show: {bytes(self.shown[-500:])!r}")
            self.shown += self.read(1.0)

    def echo_ms(self, letter: bytes) -> float:
        """How long a key takes from the press to its letter on the terminal."""
        self.drain(0.03)
        began = time.perf_counter()
        os.write(self.descriptor, letter)
        self._until_letter(letter)
        return (time.perf_counter() - began) * 1000

    def _until_letter(self, letter: bytes) -> None:
        end = time.monotonic() + 10
        seen = b""
        while time.monotonic() < end:
            seen += self.read(1.0)
            # Letters of escape sequences are no text.
            if letter in re.sub(rb"\x1b\[[0-?]*[ -/]*[@-~]", b"", seen):
                return
        raise SystemExit(f"no echo of {letter!r}")

    def cpu_seconds(self) -> float:
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def cpu_share(self, seconds: float) -> float:
        """Of one core."""
        before, began = self.cpu_seconds(), time.monotonic()
        self.drain(seconds)
        return (self.cpu_seconds() - before) / (time.monotonic() - began)

    def rss_mb(self) -> float:
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:  # noqa: PTH123
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def terminal(*arguments: str, program: Sequence[str] = (), ready: str = READY) -> Iterator[Terminal]:
    """The child with these arguments, or another program, on a terminal until it shows `ready`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *_SIZE, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL": ""}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is not compiled at every start
    report, report_to = os.pipe()
    command = [sys.executable, "-m", "benchmarks.tui_child", *arguments, "--report-to", str(report_to)]
    command = list(program) or command
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ,
        pass_fds=(report_to,),
        start_new_session=True,
    )
    os.close(report_to)
    os.close(theirs)
    child = Terminal(process, ours, started)
    try:
        child.until(ready[1:].encode())  # the first letter stands under the cursor, in other colours
        child.seconds_to_text = time.monotonic() - started
        if "--bare" not in arguments and not program:
            child.seconds_to_text -= float(os.read(report, 100))
        yield child
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(report)


def openings(*ways: tuple[str, ...]) -> list[float]:
    """Median seconds from the start of the process to the first text, each way in turn, so that load hits all alike."""
    found: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for seconds, arguments in zip(found, ways, strict=True):
            with terminal(*arguments) as child:
                seconds.append(child.seconds_to_text)
    return [statistics.median(seconds) for seconds in found]


def start_of_the_application() -> None:
    """From the start of the process to the prompt, against a bare application with as many widgets."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "-q", folder], check=True)
        script = Path(folder) / "script.json"
        script.write_text('[{"content": "hello"}]')
        program = [sys.executable, "-m", "glmcode", "--repo", folder, "--engine", f"scripted:{script}"]
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            with terminal(program=[*program, "--sandbox", "none"], ready=_PROMPT) as child:
                seconds[0].append(child.seconds_to_text)
            with terminal("--bare", str(WIDGETS)) as child:
                seconds[1].append(child.seconds_to_text)
    ours, bare = map(statistics.median, seconds)
    told(f"start of glmcode, bare application with {WIDGETS} widgets", ours, bare, "s", 1.5)


def settle(*children: Terminal) -> None:
    """Until what comes after the first text is over."""
    for child in children:
        child.drain(1.0)


def echoes(*children: Terminal) -> list[list[float]]:
    """Milliseconds of each key, in each child in turn."""
    found: list[list[float]] = [[] for _ in children]
    settle(*children)
    for _, key in zip(range(KEYS), cycle(b"qzjxkv"), strict=False):
        for milliseconds, child in zip(found, children, strict=True):
            milliseconds.append(child.echo_ms(bytes([key])))
    return found


def told(what: str, value: float, floor: float, unit: str, goal: float) -> None:
    print(f"{what}: {value:.2f} {unit} against {floor:.2f}, ratio {value / floor:.2f} (goal {goal})")


def main() -> None:
    many = ("--messages", str(MESSAGES))
    bare, empty, opened = openings(("--bare", "2"), (), many)
    told("start of the view, bare application", empty, bare, "s", 1.5)
    told(f"opening {MESSAGES} messages, none", opened, empty, "s", 2)
    start_of_the_application()
    with terminal() as none, terminal(*many) as full:
        without, within = map(statistics.median, echoes(none, full))
        told("echo of a key", within, without, "ms", 1.5)
    with terminal(*many) as full, terminal("--messages", str(FEW)) as few, terminal("--bare", "2") as plain:
        settle(full, few, plain)
        before = [each.cpu_seconds() for each in (full, plain)]
        plain.drain(_SECONDS)
        idle, floor = (each.cpu_seconds() - seconds for each, seconds in zip((full, plain), before, strict=True))
        print(f"idle for {_SECONDS:.0f} s: {idle:.2f} s of CPU against {floor:.2f} s (goal: no more)")
        told(f"memory after {MESSAGES} messages, after {FEW}", full.rss_mb(), few.rss_mb(), "MB", 1.5)
    with terminal(*many, "--tokens-per-second", str(TOKENS_PER_SECOND)) as child:
        child.drain(2.0)
        share = child.cpu_share(_SECONDS)
        (milliseconds,) = echoes(child)
    late = statistics.quantiles(milliseconds, n=20)[-1]
    print(f"stream of {TOKENS_PER_SECOND} tokens/s: {share:.0%} of a core (goal 100%), "
          f"echo median {statistics.median(milliseconds):.1f} ms, 95% within {late:.1f} ms (goal 50)")  # fmt: skip


if __name__ == "__main__":
    main()
