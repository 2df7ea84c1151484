import asyncio
import subprocess
from pathlib import Path

import pytest

from glmcode_sandbox.posix import PosixSandbox
from glmcode_sandbox.shells.script import Driver, Order
from glmcode_sandbox.shells.spare import Spare, handed
from tests.sandbox.opening import Opener, own_duration


async def said(sandbox: PosixSandbox, command: str, *, keeps_state: bool = False) -> str:
    return (await sandbox.exec(command, keeps_state=keeps_state, timeout_s=30)).output.decode()


async def test_a_command_finds_the_shell_as_if_it_had_been_started_for_it(sandbox: PosixSandbox) -> None:
    command = """echo "$0 $# $LINENO [$BASH_EXECUTION_STRING]" | head -1
compgen -v | grep -i glmcode | grep -v GLMCODE_SANDBOX; env | grep -i _glmcode; ls /proc/$$/fd >fds; wc -l <fds
[ "$(ps -o sid= -p $$)" -eq $$ ] && echo leads; echo $LINENO; trap -p; no-such-command"""
    lines = (await said(sandbox, command)).splitlines()
    assert lines[0] == 'bash 0 1 [echo "$0 $# $LINENO [$BASH_EXECUTION_STRING]" | head -1'
    assert lines[1:] == ["3", "leads", "3", "bash: line 3: no-such-command: command not found"]


async def test_signals_are_not_ignored(sandbox: PosixSandbox) -> None:
    for name, number in (("INT", 2), ("TERM", 15), ("HUP", 1)):
        assert (await sandbox.exec(f"kill -{name} $$; echo no")).exit_code == 128 + number


async def test_who_kills_the_waiting_shell_harms_nobody(sandbox: PosixSandbox) -> None:
    long = own_duration(91)
    kill = "sleep 0.3; kill -9 $(ps -eo pid=,ppid=,sid= | awk -v d=$PPID '$2 == d && $1 == $3 {print $1}')"
    assert await said(sandbox, f"sleep {long} >/dev/null & ({kill}) >/dev/null 2>&1 & echo $PPID")
    await asyncio.sleep(1.5)
    result = await sandbox.exec("echo on >>ran; cat ran")
    assert (result.exit_code, result.output, result.note) == (0, b"on\n", None)
    assert await said(sandbox, f"ps -eo args | grep -c '^sleep {long}$'") == "1\n"


@pytest.mark.parametrize(
    "word",
    [
        "builtin",
        "command",
        "eval",
        "export",
        "printf",
        "echo",
        "read",
        "cd",
        "unset",
        "trap",
        "declare",
        "exit",
        "kill",
    ],
)
async def test_a_redefined_builtin_forges_nothing(sandbox: PosixSandbox, word: str) -> None:
    await sandbox.exec(f"{word}() {{ return 0; }}; {word} x", keeps_state=True)
    result = await sandbox.exec("/bin/sh -c 'echo on; exit 7'", keeps_state=True)
    assert (result.exit_code, result.output) == (7, b"on\n")
    result = await sandbox.exec("kill -9 $BASHPID")
    assert result.exit_code == 137


async def test_what_bash_reads_at_its_start_alone_is_there(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec("[[ -o posix ]] && echo posix; echo $SHELLOPTS", env={"POSIXLY_CORRECT": "1"})
    assert result.output.startswith(b"posix\n")
    assert await said(sandbox, "[[ -o posix ]] || echo not") == "not\n"


async def test_a_hurry_gets_a_second_lane_and_all_is_as_with_one(sandbox: PosixSandbox) -> None:
    long, drivers = own_duration(90), set()
    for number in range(60):
        drivers.add(await said(sandbox, f"sleep {long} >/dev/null & echo $PPID" if number < 2 else "echo $PPID"))
        if len(drivers) > 1 and number > 2:
            break
    assert len(drivers) == 2
    for number in range(6):
        assert await said(sandbox, f'echo "$N" $?; cd /tmp; export N={number}', keeps_state=True) == (
            f"{number - 1} 0\n" if number else " 0\n"
        )
    result = await sandbox.exec("sleep 99", timeout_s=0.5)
    assert result.timed_out and result.note is None
    assert await said(sandbox, f"ps -eo args | grep -c '^sleep {long}$'") == "2\n"
    result = await sandbox.exec(f"kill -9 {' '.join(each.strip() for each in drivers)}; sleep 99")
    assert result.exit_code == 137 and "anew" in (result.note or "")
    assert await said(sandbox, "echo on") == "on\n"


async def test_who_reads_what_is_meant_for_the_driver_is_ended(sandbox: PosixSandbox) -> None:
    await sandbox.exec("setsid sh -c 'while :; do cat /proc/'$PPID'/fd/0; done' >/dev/null 2>&1 & sleep 0.3")
    results = [await sandbox.exec("echo on", timeout_s=5) for _ in range(4)]
    assert results[-1].output == b"on\n" and not results[-1].timed_out
    assert all(result.output == b"on\n" or "anew" in (result.note or "") for result in results)


async def test_an_old_bash_is_started_for_each_command(open_place: Opener, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    old = """#!/bin/sh
[ "$1" = -c ] || exec /bin/bash "$@"
shift; script=$1; shift
exec /bin/bash -c "BASH_VERSION='3.2.57(1)-release'; $script" "$@"
"""
    (programs / "bash").write_text(old)
    (programs / "bash").chmod(0o755)
    sandbox = await open_place("none", env={"PATH": f"{programs}:/usr/bin:/bin"})
    for number in range(3):
        result = await sandbox.exec(
            f"echo ${{BASH_VERSION%%.*}} $N >>ran; cat ran; export N={number}", keeps_state=True
        )
        assert result.exit_code == 0 and result.note is None
    assert result.output == b"3\n3 0\n3 1\n"


def test_what_a_forger_prints_does_not_make_a_shell_ready() -> None:
    spare = Spare("e" * 24, None)
    for piece in (b"\x1e" * 200, b"\x1eready:A\x1e", b"\x1e" + b"e" * 23, b":0\x1e", b"x" * 100_000):
        spare.feed(piece)
        assert not spare.settled.is_set()
    name = spare.lines("setsid").split(b"%s:%s", 1)[1].split()[1]
    spare.feed(b"\x1e" + name[:10])
    spare.feed(name[10:] + b":HOME A$(x) B\nC")
    assert not spare.ready
    spare.feed(b"\x1e")
    assert spare.ready and spare.names == "HOME B C"
    spare.feed(b"\x1e" + b"e" * 24 + b":137\x1e")
    assert spare.settled.is_set() and not spare.ready


def test_a_driver_without_its_waiting_shell_reads_nothing() -> None:
    order = Order(b"echo ran; touch ran\n", "/", carry="keep", env={"A": "'"})
    text = handed(order, Driver(1, "bash", "setsid", "/"), "HOME", "s" * 24)
    done = subprocess.run(["sh"], input=text + b"echo next\n", capture_output=True, check=True)
    assert done.stdout == b"next\n"
