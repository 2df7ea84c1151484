"""The real command line in forked children of one process that has imported it already, so that many can be killed."""

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cli import PROJECT, environment

IMPORTED = (
    *("glmcode.cli.commands", "glmcode.cli.parser", "glmcode.cli.session_replay", "glmcode.cli.session_time"),
    *("glmcode.cli.sessions", "glmcode.headless.run", "glmcode_engine.scripted", "glmcode_sandbox.local"),
)


class FastCli:
    """Starts `glmcode` with one home; `call` waits for its end, or kills it after a while."""

    def __init__(self, home: Path, process: "subprocess.Popen[str]") -> None:
        self.home = home
        self._process = process

    def call(self, *arguments: str, kill_after_s: float | None = None) -> tuple[int, str, str]:
        """Exit code (-9 when killed in time), standard output, standard error."""
        assert self._process.stdin is not None and self._process.stdout is not None
        asked = {"arguments": arguments, "kill_after_s": kill_after_s, "folder": str(self.home)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        told = (self.home / "stderr").read_text()
        assert "Traceback" not in told, told
        assert code != 1 or "unexpected" not in told, told
        return code, (self.home / "stdout").read_text(), told


@contextlib.contextmanager
def serving(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The process that forks; it serves any number of homes."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.glmcode.session.fast_cli"],
        cwd=PROJECT,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _serve() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(asked)
        with contextlib.suppress(OSError):  # the child does the same; whoever comes first makes its group
            os.setpgid(child, child)
        print(_waited(child, asked["kill_after_s"]), flush=True)


def _run(asked: dict[str, Any]) -> None:
    from glmcode.cli.main import main

    os.setpgid(0, 0)
    os.environ["HOME"] = asked["folder"]
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(asked["folder"], name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        code = main(asked["arguments"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    sys.stdout.flush()
    os._exit(code)


def _waited(child: int, kill_after_s: float | None) -> int:
    if kill_after_s is not None:
        deadline = time.monotonic() + kill_after_s
        while time.monotonic() < deadline:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.001)
        os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    _serve()
