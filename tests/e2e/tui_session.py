"""What the tests of the interface in a real terminal share: how it is started and left, and bytes that attack."""

import subprocess
from pathlib import Path

from tests.e2e.terminal import Terminal
from tests.simulated import SimulatedEndpoint

PROMPT = "What shall be done?"
EVIL = "\x1b]0;PWNED\x07\x1b]52;c;UFdORUQ=\x07\x1b[2J\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x9b5n\u202eoff"


def flags(server: SimulatedEndpoint, *more: str) -> list[str]:
    return ["--base-url", server.base_url, "--sandbox", "none", "--context", "0", *more]


async def leave(it: Terminal) -> str:
    it.type("/quit", "Enter")
    return await it.until("ENDED")


def child(pid: int) -> int:
    """The program that a shell runs."""
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def assert_harmless(raw: bytes) -> None:
    """Nothing of `EVIL` reached the terminal as it was."""
    attacks = [b"PWNED\x07", b"\x1b]52;c;UFdORUQ", b"\x1b]0;", b"\x1b]8;;http://evil", b"x.example/\x1b"]
    attacks += [b"\x1b[31mred", b"\x9b5n", b"\xc2\x9b", "\u202e".encode()]
    assert [attack for attack in attacks if attack in raw] == []


def numbered(path: Path, **changed: str) -> str:
    """Write thirty lines to a file; gives them."""
    lines = [changed.get(f"line_{number}", f"line_{number} = {number}") for number in range(1, 31)]
    path.write_text("\n".join(lines) + "\n")
    return path.read_text()
