"""What the end-to-end tests look at and play: the repository, answers with calls, processes and containers."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCE = "def add(a, b):\n    return a - b\n"
FIXED = "def add(a, b):\n    return a + b\n"
DONE = {"content": "All done."}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """An answer that calls one tool."""
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


FIX = call("edit", path="calc.py", old="a - b", new="a + b")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit_all(folder: Path) -> str:
    """Make a repository of a folder, or a further commit in it; gives the commit."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "state")
    return git(folder, "rev-parse", "HEAD").strip()


def status(folder: Path) -> str:
    return git(folder, "status", "--porcelain")


def tool_texts(body: dict[str, Any]) -> list[str]:
    """What the model was shown of its calls so far, in order."""
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


def members(raw: bytes) -> dict[str, str]:
    """The fields of a JSON object, each value as it was written."""
    text, decoder, found = raw.decode(), json.JSONDecoder(), {}
    at = _next(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        start = _next(text, text.index(":", at) + 1)
        _, end = decoder.raw_decode(text, start)
        found[name] = text[start:end]
        at = _next(text, end)
    return found


def elements(array: str) -> list[str]:
    """The elements of a JSON array, each as it was written."""
    decoder, found = json.JSONDecoder(), []
    at = _next(array, array.index("[") + 1)
    while array[at] != "]":
        _, end = decoder.raw_decode(array, at)
        found.append(array[at:end])
        at = _next(array, end)
    return found


def _next(text: str, at: int) -> int:
    while text[at] in " \t\r\n,":
        at += 1
    return at


def messages(raw: bytes) -> list[str]:
    """The messages of a request, each as it was written."""
    return elements(members(raw)["messages"])


def control_characters(text: str) -> set[str]:
    """What in a text would act on a terminal, but for line ends and tabs."""
    return {char for char in text if (ord(char) < 32 and char not in "\n\t") or 127 <= ord(char) < 160}


def processes(home: Path) -> list[int]:
    """The processes whose environment names this home."""
    mark, found = f"HOME={home}\0".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ = (folder / "environ").read_bytes()
        except OSError:
            continue
        if mark in environ:
            found.append(int(folder.name))
    return found


def containers(pid: int) -> list[str]:
    """The containers that the glmcode process with this id made."""
    return _docker("ps", "-aq", "--no-trunc", "--filter", "label=glmcode=1", "--filter", f"label=glmcode.pid={pid}")


def left_containers(pid: int, patience_s: float = 3.0) -> list[str]:
    """Those of an ended process; the daemon may take a moment to forget one that is gone."""
    deadline = time.monotonic() + patience_s
    while (found := containers(pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def commands_in(pid: int) -> list[str]:
    """The command lines that run in the containers of the glmcode process with this id."""
    return [line for name in containers(pid) for line in _docker("top", name, "-eo", "pid,args")]


_GONE = ("No such container", "is not running", "container does not exist", "ttrpc: closed")
"""What is said of a container that has just ended."""


def _docker(*words: str) -> list[str]:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    done = subprocess.run(["docker", *words], env=env, check=False, capture_output=True, text=True)
    passing = [words in done.stderr for words in _GONE]
    assert done.returncode == 0 or any(passing), done.stderr
    return done.stdout.splitlines()


def folder_holds(folder: Path, secrets: Sequence[str]) -> list[Path]:
    """The files below a folder that hold one of these texts."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if any(secret.encode() in path.read_bytes() for secret in secrets)]
