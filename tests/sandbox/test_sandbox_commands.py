import asyncio
import os
import time
from pathlib import Path

import pytest

from glmcode_sandbox.base import Limits
from glmcode_sandbox.posix import PosixSandbox
from tests.sandbox.opening import KINDS, Opener, own_duration


async def test_gives_exit_code_and_both_outputs_in_order(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec("echo one; echo two >&2; echo three; exit 3")
    assert (result.exit_code, result.output, result.total_bytes) == (3, b"one\ntwo\nthree\n", 14)
    assert not result.timed_out and result.head_bytes is None and result.note is None


async def test_starts_in_the_workspace_every_time(sandbox: PosixSandbox, workspace: Path) -> None:
    await sandbox.exec("cd /; export LEFT=1; set -e")
    result = await sandbox.exec('pwd; echo "[$LEFT]"; cat a.txt; false; echo on')
    assert result.output.decode() == f"{workspace}\n[]\nhello\non\n"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("true", 0),
        ("exit 255", 255),
        ("no-such-command-at-all", 127),
        ("kill -TERM $$", 143),
        ("kill -9 $$", 137),
        ("if", 2),
    ],
)
async def test_exit_codes_are_the_shells(sandbox: PosixSandbox, command: str, code: int) -> None:
    result = await sandbox.exec(command)
    assert result.exit_code == code and b"Terminated" not in result.output and b"Killed" not in result.output
    assert (await sandbox.exec("echo on")).output == b"on\n"


async def test_runs_bash_and_odd_characters(sandbox: PosixSandbox) -> None:
    command = "a=(x y); echo ${a[1]} 'Á é 你 \" \\ $HOME' \"it's\" `echo b`\n# the end \\"
    assert (await sandbox.exec(command)).output.decode() == "y Á é 你 \" \\ $HOME it's b\n"


async def test_a_script_longer_than_an_argument_runs(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec("# " + "x" * 300_000 + "\ncat; echo 'long é'; exit 4")
    assert (result.exit_code, result.output.decode()) == (4, "long é\n")


@pytest.mark.parametrize(("command", "env"), [("echo a\0b", {}), ("echo", {"A B": "x"}), ("echo", {"A": "\0"})])
async def test_what_no_shell_can_be_told_is_explained(sandbox: PosixSandbox, command: str, env: dict[str, str]) -> None:
    result = await sandbox.exec(command, env=env)
    assert result.exit_code == 126 and b"NUL" in result.output


async def test_standard_input_is_empty_unless_given(sandbox: PosixSandbox) -> None:
    assert (await sandbox.exec("cat; echo $?")).output == b"0\n"
    data = os.urandom(300_000)
    result = await sandbox.exec("cat", stdin=data, keep_bytes=1_000_000)
    assert result.output == data
    assert (await sandbox.exec("exit 5", stdin=data)).exit_code == 5
    assert (await sandbox.exec("wc -c", stdin=b"")).output.strip() == b"0"


async def test_there_is_no_terminal_to_wait_for(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec("tty; read line </dev/tty; echo $?", timeout_s=10)
    assert b"not a tty" in result.output and not result.timed_out


async def test_environment_of_one_command(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec('echo "$A|$HOME|$TERM"', env={"A": "it's $x\n", "TERM": "other"})
    assert result.output.startswith(b"it's $x\n|/") and result.output.endswith(b"|other\n")
    assert (await sandbox.exec('echo "[$A]$TERM"')).output == b"[]dumb\n"


async def test_our_keys_are_not_in_the_environment(secret_environment: str, open_place: Opener) -> None:
    sandbox = await open_place("none")
    result = await sandbox.exec("env; tr '\\0' '\\n' </proc/$PPID/environ")
    assert b"HOME=" in result.output and secret_environment.encode() not in result.output


async def test_long_output_keeps_both_ends_and_spills_the_whole(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec("seq 1 1400000", timeout_s=60)
    whole = "".join(f"{n}\n" for n in range(1, 1_400_001)).encode()
    assert result.total_bytes == len(whole) > 9_000_000 and len(result.output) == 65536
    assert result.head_bytes == 32768 and result.output == whole[:32768] + whole[-32768:]
    assert result.spill is not None and result.spill.read_bytes() == whole


async def test_short_output_spills_nothing(sandbox: PosixSandbox, tmp_path: Path) -> None:
    result = await sandbox.exec("head -c 65536 /dev/zero")
    assert result.head_bytes is None and len(result.output) == 65536
    assert result.spill is None and not (tmp_path / "spill").exists()


@pytest.mark.parametrize("kind", KINDS)
async def test_endless_output_is_stopped(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind, limits=Limits(output_bytes=1_000_000))
    result = await sandbox.exec("yes", timeout_s=30)
    assert result.exit_code == 137 and not result.timed_out and "1000000 bytes" in (result.note or "")
    assert result.spill is not None and 1_000_000 < result.spill.stat().st_size < 3_000_000
    assert (await sandbox.exec("echo on")).output == b"on\n"


async def test_output_arrives_while_the_command_runs(sandbox: PosixSandbox) -> None:
    pieces: list[tuple[float, bytes]] = []
    started = time.monotonic()
    result = await sandbox.exec(
        "echo a; sleep 0.6; echo b", on_output=lambda data: pieces.append((time.monotonic(), data))
    )
    assert b"".join(data for _, data in pieces) == result.output == b"a\nb\n"
    assert pieces[0][0] - started < 0.5 < pieces[-1][0] - started


async def test_a_failing_sink_ends_the_command_and_is_told(sandbox: PosixSandbox) -> None:
    def fail(data: bytes) -> None:
        raise KeyError(data)

    with pytest.raises(KeyError):
        await sandbox.exec("echo a; sleep 100", on_output=fail)
    assert (await sandbox.exec("pgrep -f '^sleep 100$' || echo none")).output.strip() in (b"none", b"")


async def test_any_bytes_pass_also_pieces_of_markers(sandbox: PosixSandbox) -> None:
    data = b"\x1e" * 50 + os.urandom(100_000) + b"\x1eabc:0\x1e\n\x1e"
    await sandbox.write_file("data", data)
    assert (await sandbox.exec("cat data", keep_bytes=200_000)).output == data


async def test_timeout_kills_the_whole_command(sandbox: PosixSandbox) -> None:
    long = own_duration(98)
    result = await sandbox.exec(
        f"sleep {long} & setsid sleep {long} & (sleep {long}; echo x) & echo a; sleep {long}", timeout_s=0.5
    )
    assert result.exit_code == 124 and result.timed_out and result.output == b"a\n" and result.note is None
    assert result.duration_s < 6
    assert (await _sleeping(sandbox, long)) == 0


async def test_who_ignores_sigterm_is_killed(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec("trap '' TERM INT HUP; echo a; while :; do sleep 0.1; done", timeout_s=0.3)
    assert result.exit_code == 124 and result.output == b"a\n" and 2 < result.duration_s < 8
    assert (await sandbox.exec("echo on")).output == b"on\n"


async def test_who_heeds_sigterm_may_tidy_up(sandbox: PosixSandbox) -> None:
    await sandbox.exec(
        "trap 'sleep 0.4; echo done >tidied; exit' TERM; echo a; while :; do sleep 0.1; done", timeout_s=0.5
    )
    assert await sandbox.read_file("tidied", max_bytes=100) == b"done\n"


async def test_cancelling_kills_the_command(sandbox: PosixSandbox) -> None:
    long = own_duration(97)
    task = asyncio.create_task(sandbox.exec(f"sleep {long}; echo x >later"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await _sleeping(sandbox, long)) == 0


async def test_a_background_process_lives_on_and_does_not_hold_up_its_command(sandbox: PosixSandbox) -> None:
    long = own_duration(96)
    started = time.monotonic()
    assert (await sandbox.exec(f"sleep {long} & echo started")).output == b"started\n"
    assert time.monotonic() - started < 5
    assert (await sandbox.exec("sleep 95", timeout_s=0.3)).timed_out
    assert (await _sleeping(sandbox, long)) == 1


async def test_late_output_of_background_processes_is_dropped(sandbox: PosixSandbox) -> None:
    assert (await sandbox.exec("(sleep 0.3; echo late) & echo now")).output == b"now\n"
    await asyncio.sleep(0.8)
    assert (await sandbox.exec("echo next")).output == b"next\n"


async def test_killing_the_parent_shell_is_told_and_mended(sandbox: PosixSandbox) -> None:
    long = own_duration(94)
    result = await sandbox.exec(f"echo before; kill -9 $PPID; sleep {long}")
    assert result.exit_code == 137 and result.output == b"before\n" and "anew" in (result.note or "")
    assert (await sandbox.exec("echo on")).output == b"on\n"
    assert (await _sleeping(sandbox, long)) == 0


async def test_a_shell_lost_between_commands_is_not_noticed(sandbox: PosixSandbox) -> None:
    await sandbox.exec("(sleep 0.2; kill -9 $PPID) >/dev/null 2>&1 & true")
    await asyncio.sleep(0.6)
    result = await sandbox.exec("echo on")
    assert (result.exit_code, result.output) == (0, b"on\n")


async def test_commands_queue(sandbox: PosixSandbox) -> None:
    results = await asyncio.gather(*(sandbox.exec(f"sleep 0.1; echo {n}") for n in range(4)))
    assert [result.output for result in results] == [b"0\n", b"1\n", b"2\n", b"3\n"]


async def test_files_are_limited_in_size(open_place: Opener) -> None:
    for kind in ("none",):
        sandbox = await open_place(kind, limits=Limits(file_bytes=1024 * 1024))
        assert (await sandbox.exec("head -c 5000000 /dev/zero >big")).exit_code != 0
        assert (await sandbox.exec("stat -c %s big")).output == b"1048576\n"


async def test_git_works_for_whoever_owns_the_files(sandbox: PosixSandbox) -> None:
    result = await sandbox.exec(
        "mkdir r && cd r && git init -q && echo x >f && git add f && git commit -qm m && git log --format=%s"
    )
    assert (result.exit_code, result.output) == (0, b"m\n")


@pytest.mark.parametrize("kind", KINDS)
async def test_closing_ends_everything_and_may_be_done_twice(kind: str, open_place: Opener, workspace: Path) -> None:
    sandbox = await open_place(kind)
    await sandbox.exec(
        "for d in 1 2; do (setsid sh -c 'while :; do date >alive; sleep 0.05; done' &) ; done; sleep 0.2"
    )
    await asyncio.gather(sandbox.close(), sandbox.close())
    await sandbox.close()
    (workspace / "alive").unlink()
    await asyncio.sleep(0.3)
    assert not (workspace / "alive").exists()


@pytest.mark.parametrize("kind", KINDS)
async def test_closing_in_the_middle_of_a_command(kind: str, open_place: Opener) -> None:
    sandbox = await open_place(kind)
    task = asyncio.create_task(sandbox.exec("sleep 93"))
    await asyncio.sleep(0.3)
    task.cancel()
    await sandbox.close()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _sleeping(sandbox: PosixSandbox, seconds: str) -> int:
    """How many `sleep SECONDS` run in there."""
    result = await sandbox.exec(f"ps -eo args | grep -c '^sleep {seconds}$'")
    return int(result.output)
