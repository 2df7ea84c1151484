"""Runs attacks through the real command line and looks from outside at what became of them."""

import asyncio
import re
import secrets
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli import CommandLine, Ended, Running
from tests.e2e.place import containers, control_characters, left_containers
from tests.sandbox.attacks.entry import Entry, Place
from tests.sandbox.attacks.host import GIT_WALK, SECRET, Host, fingerprint

_MARK = "attack-mark"


@dataclass(slots=True)
class Attacker:
    """Runs entries on one host in one place, and collects what does not hold."""

    host: Host
    place: Place
    image: str
    program: Sequence[str] | None = None
    """How glmcode is started; None: as ourselves."""
    variables: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    daemon: Path | None = None

    @property
    def user(self) -> CommandLine:
        variables = {"NO_PROXY": "*", "GLMCODE_API_KEY": SECRET, "ZAI_API_KEY": SECRET, "AWS_SECRET": SECRET}
        variables |= self.variables
        if self.program is None:
            return CommandLine(self.host.top / "home", variables)
        return CommandLine(self.host.top / "home", variables, self.program)

    async def group(self, entries: Sequence[Entry]) -> None:
        """Scripts that do not mind each other, in one call."""
        for entry in entries:
            self.host.shell(entry.prepare)
        before = {entry.id: self._fingerprints(entry) for entry in entries}
        token = secrets.token_hex(6)
        script = "\n".join(_part(entry, token, self.host) for entry in entries)
        seconds = sum(entry.timeout for entry in entries)
        watch = _Watch(self, ", ".join(entry.id for entry in entries))
        ended, _ = await self._call(("sandbox", "exec"), ("--timeout", f"{seconds:.0f}"), (script,))
        watch.look(ended)
        parts = {found[1]: (int(found[3]), found[2]) for found in _parts(ended.stdout, token)}
        for entry in entries:
            code, output = parts.get(entry.id, (-1, f"never ended: {ended.stdout[-500:]} {ended.stderr[-500:]}"))
            self._judge(entry, code, output, before[entry.id])
        for entry in entries:
            self._afterwards(entry)
        watch.walk(trapped=all(entry.triggers for entry in entries))

    async def alone(self, entry: Entry) -> None:
        """One entry in a call of its own."""
        self.host.shell(entry.prepare)
        before = self._fingerprints(entry)
        watch = _Watch(self, entry.id)
        if entry.tool is not None:
            name, *words = (self.host.fill(word) for word in entry.tool)
            ended, seconds = await self._call(("tool", name), (), words, entry)
        else:
            flags = ("--timeout", f"{entry.timeout:g}")
            ended, seconds = await self._call(("sandbox", "exec"), flags, (self.host.fill(entry.run or ""),), entry)
        watch.look(ended)
        self._afterwards(entry)
        self._judge(entry, ended.code, ended.stdout + ended.stderr, before)
        if entry.expect.seconds is not None and seconds > entry.expect.seconds:
            self._check(entry, [f"an end within {entry.expect.seconds:g} s, not {seconds:.1f} s"], "")
        watch.walk(trapped=entry.triggers)

    def _afterwards(self, entry: Entry) -> None:
        """What the person does then, and sees of it."""
        told = self.host.shell(entry.then, self.host.repo) if entry.then else ""
        wrong = [f"{text!r} after it" for text in entry.expect.then_has if self.host.fill(text) not in told]
        wrong += [f"no {text!r} after it" for text in entry.expect.then_lacks if self.host.fill(text) in told]
        self._check(entry, wrong, told)

    def close(self) -> None:
        """Fail the test with all that did not hold."""
        if self.failures:
            pytest.fail("\n\n".join(self.failures), pytrace=False)

    async def _call(
        self, verb: tuple[str, str], flags: Sequence[str], words: Sequence[str], entry: Entry | None = None
    ) -> tuple[Ended, float]:
        sandbox, mode = self.place.split()
        place = ("--repo", str(self.host.repo), "--sandbox", sandbox, "--workspace", mode, "--image", self.image)
        given = self.host.fill(entry.given).encode() if entry else b""
        began = time.monotonic()
        async with self.user.started(*verb, *place, *flags, "--", *words, stdin=asyncio.subprocess.PIPE) as running:
            assert running.process.stdin is not None
            running.process.stdin.write(given)
            running.process.stdin.close()
            if entry and entry.during:
                await running.until("begun")
                await asyncio.to_thread(self._meddle, entry, running)
            ended = await running.ended(100)
        return ended, time.monotonic() - began

    def _meddle(self, entry: Entry, running: Running) -> None:
        pid = running.process.pid
        names = containers(pid) if self.place.startswith("docker") and self.daemon is None else []
        glmcode = shlex.join(
            [*self.user.program, "sandbox", "exec", "--repo", str(self.host.repo), "--image", self.image]
        )
        more = {"PID": str(pid), "CONTAINER": " ".join(names), "GLMCODE": glmcode, "DAEMON": str(self.daemon or "")}
        self.host.shell(entry.during, variables=more)

    def _fingerprints(self, entry: Entry) -> dict[str, str]:
        return {name: fingerprint(self.host.path(name)) for name in (*entry.expect.same, *entry.expect.changed)}

    def _judge(self, entry: Entry, code: int, output: str, before: dict[str, str]) -> None:
        expect, host = entry.expect, self.host
        wrong = [f"{text!r} in its output" for text in expect.has if host.fill(text) not in output]
        wrong += [f"no {text!r} in its output" for text in expect.lacks if host.fill(text) in output]
        if expect.exit == "fails":
            wrong += ["a failure, not exit code 0"] if code == 0 else []
        elif expect.exit is not None and code != expect.exit:
            wrong.append(f"exit code {expect.exit}, not {code}")
        direct = self.place.endswith("direct")
        now = self._fingerprints(entry)
        wrong += [f"{name} as before" for name in expect.same if now[name] != before[name]]
        wrong += [f"{name} changed, as known" for name in expect.changed if direct and now[name] == before[name]]
        wrong += [f"no {name}" for name in expect.absent if host.path(name).exists() or host.path(name).is_symlink()]
        if expect.kilobytes is not None and (used := host.kilobytes()) > expect.kilobytes:
            wrong.append(f"at most {expect.kilobytes} kB, not {used}")
        self._check(entry, wrong, output)

    def _check(self, entry: Entry, wrong: Sequence[str], output: str) -> None:
        if wrong:
            self.failures.append(f"{entry.id} ({self.place}): expected {'; '.join(wrong)}\n{output[-1500:]}")


class _Watch:
    """What must hold whatever is run: secrets, the host's files, `.git`, processes, containers, the person's git."""

    def __init__(self, attacker: Attacker, names: str) -> None:
        self._attacker = attacker
        self._names = names
        host = attacker.host
        self._outside, self._git, self._repo = host.outside(), host.git_state(), self._isolated()

    def look(self, ended: Ended) -> None:
        """After the call."""
        host, output, wrong = self._attacker.host, ended.stdout + ended.stderr, []
        if SECRET in output:
            wrong.append(f"a secret came out: {output[-800:]}")
        if odd := control_characters(output):
            wrong.append(f"control characters came out: {odd}")
        if host.outside() != self._outside:
            wrong.append("files beside the repository changed")
        if host.git_state() != self._git:
            wrong.append(".git changed")
        if self._isolated() != self._repo:
            wrong.append("an isolated repository changed")
        if self._attacker.daemon is None and (left := left_containers(ended.pid)):
            wrong.append(f"containers are left: {left}")
        if processes := _left(host):
            wrong.append(f"processes are left: {processes}")
        self._tell(wrong)

    def _isolated(self) -> str:
        """The state of a repository that no command may change."""
        return fingerprint(self._attacker.host.repo) if self._attacker.place.endswith("isolated") else ""

    def walk(self, *, trapped: bool) -> None:
        """Use the repository with git as the person does."""
        host = self._attacker.host
        told = host.shell(GIT_WALK, host.repo) if trapped else "afterwards"
        wrong = []
        if host.canary.exists():
            wrong.append(f"the person's git executed {host.canary.read_text()}")
        if "afterwards" not in told:
            wrong.append(f"the person's git does not work any more: {told[-800:]}")
        self._tell(wrong)

    def _tell(self, wrong: Sequence[str]) -> None:
        self._attacker.failures += [f"{self._names} ({self._attacker.place}): {text}" for text in wrong]


def _left(host: Host, patience_s: float = 4.0) -> list[str]:
    deadline = time.monotonic() + patience_s
    while (found := host.left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _part(entry: Entry, token: str, host: Host) -> str:
    words = f"timeout -k 1 {entry.timeout:g} bash -c {shlex.quote(host.fill(entry.run or ''))}"
    mark = f"{_MARK}-{token}:{entry.id}"
    return f"printf '\\n%s\\n' '{mark}'; {words} </dev/null 2>&1; printf '\\n%s:%d\\n' '{mark}' $?"


def _parts(output: str, token: str) -> list[re.Match[str]]:
    mark = re.escape(f"{_MARK}-{token}:")
    return list(re.finditer(rf"^{mark}([\w.-]+)\n(.*?)^{mark}\1:(\d+)$", output, re.M | re.S))
