"""Time and memory of packs, against the floor of finding the identifiers of the same files with a regular expression.

    python -m benchmarks.packing_speed --repo DIR [--rounds N] [--budget N]

Each pack is a process of its own. `first` has no index, `again` has one, `edited` too, and one line was added to one
file (which is put back). The floor is one process on one core, the best of its rounds before and after the packs.
What a first pack leaves to a process of low priority is waited for; `settled` is the time until that is done.
"""

import argparse
import fcntl
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from glmcode.context.files import list_files
from glmcode.context.index.kinds import is_code

TASK = "Saving a model with a wrong value raises an unexpected error in the parser of options"
_FLOOR = """
import re, sys
word = re.compile(r"[A-Za-z_]\\w+")
for path in sys.stdin.read().split("\\0"):
    try:
        set(word.findall(open(path, errors="replace").read()))
    except OSError:
        pass
"""


@dataclass(frozen=True)
class Cost:
    """Of one process with its children: seconds, and megabytes of the largest."""

    wall: float
    cpu: float
    memory: float


def run(command: list[str], given: str, environment: dict[str, str]) -> Cost:
    """Run a command to its end."""
    with tempfile.TemporaryFile() as text:
        text.write(given.encode("utf-8", "surrogateescape"))
        text.seek(0)
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=text, stdout=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed with exit code {process.returncode}")
    return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=int, default=50_000)
    options = parser.parse_args()
    code = [path for path in list_files(options.repo) if is_code(path)]
    given = "\0".join(str(options.repo / path) for path in code)
    floors = [floor(given) for _ in range(options.rounds)]
    packs: dict[str, list[Cost]] = {"first": [], "again": [], "edited": []}
    settled: list[float] = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as cache:
            settled.append(measure(packs, options, code, cache))
    floors += [floor(given) for _ in range(options.rounds)]
    least = min(floors, key=lambda cost: cost.cpu)
    print(f"{len(code)} files; floor {least.wall:.2f} s wall, {least.cpu:.2f} s CPU, {least.memory:.0f} MB")
    print(f"settled {min(settled):6.2f} s wall after the first pack")
    for name, costs in packs.items():
        best = min(costs, key=lambda cost: cost.wall)
        cpu = min(cost.cpu for cost in costs)
        memory = max(cost.memory for cost in costs)
        print(
            f"{name:7} {best.wall:6.2f} s wall ({best.wall / least.wall:4.1f} floors), {cpu:6.2f} s CPU "
            f"({cpu / least.cpu:4.1f} floors), {memory:4.0f} MB"
        )


def floor(given: str) -> Cost:
    """What reading the identifiers of these files costs."""
    return run([sys.executable, "-S", "-E", "-c", _FLOOR], given, dict(os.environ))


def measure(packs: dict[str, list[Cost]], options: argparse.Namespace, code: list[str], cache: str) -> float:
    """One round: a first pack, another, and one after an edit. Returns how long the index took to settle."""
    environment = os.environ | {"XDG_CACHE_HOME": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is not compiled at every start
    what = ["--repo", str(options.repo), "--task", TASK, "--budget", str(options.budget), "--format", "json"]
    command = [sys.executable, "-P", "-m", "glmcode", "pack", *what]
    packs["first"].append(run(command, "", environment))
    waited = settling(Path(cache))
    packs["again"].append(run(command, "", environment))
    edited = options.repo / code[len(code) // 2]
    before = edited.read_bytes()
    try:
        edited.write_bytes(before + b"\n")
        packs["edited"].append(run(command, "", environment))
    finally:
        edited.write_bytes(before)
    return waited


def settling(cache: Path) -> float:
    """Wait for what works on an index in this folder, and say how long it took."""
    began = time.perf_counter()
    for file in cache.rglob("*.settling"):
        with file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
