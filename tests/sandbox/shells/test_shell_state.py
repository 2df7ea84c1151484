from pathlib import Path

import pytest

from glmcode_sandbox.posix import PosixSandbox
from tests.sandbox.opening import KINDS, Opener


async def said(sandbox: PosixSandbox, command: str, timeout_s: float = 30) -> str:
    return (await sandbox.exec(command, keeps_state=True, timeout_s=timeout_s)).output.decode()


async def test_directory_variables_and_functions_carry_over(sandbox: PosixSandbox, workspace: Path) -> None:
    assert await said(sandbox, "mkdir -p 'a b'; cd 'a b'; export V=\"it's\n x\" W=1; f() { echo \"f $1\"; }") == ""
    assert await said(sandbox, 'pwd; echo "$V|$W"; f 2; unset W') == f"{workspace}/a b\nit's\n x|1\nf 2\n"
    assert await said(sandbox, 'echo "[$W]$OLDPWD"; cd - >/dev/null; pwd') == f"[]{workspace}\n{workspace}\n"


async def test_what_carries_over_is_for_those_that_keep_state_alone(sandbox: PosixSandbox, workspace: Path) -> None:
    await said(sandbox, "cd /; export V=1")
    assert (await sandbox.exec('pwd; echo "[$V]"; cd /tmp; export V=2')).output.decode() == f"{workspace}\n[]\n"
    assert await said(sandbox, 'pwd; echo "$V"') == "/\n1\n"


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("exit 3", 3),
        ("set -eux; false", 1),
        ("set -C; PATH=/nowhere; exit 4", 4),
        ("mv() { :; }; IFS=/; kill -TERM $$", 143),
    ],
)
async def test_it_carries_over_from_a_command_that_fails(
    sandbox: PosixSandbox, workspace: Path, ending: str, code: int
) -> None:
    result = await sandbox.exec(f"cd /tmp; export V=new; {ending}", keeps_state=True)
    assert result.exit_code == code and b"glmcode" not in result.output and b"export -p" not in result.output
    assert await said(sandbox, "unset -f mv; pwd; echo $V") == "/tmp\nnew\n"


@pytest.mark.parametrize("ending", ["kill -9 $$", "kill -9 $PPID; sleep 9", "exec true", "sleep 60"])
async def test_what_was_before_survives_a_command_that_dies(sandbox: PosixSandbox, ending: str) -> None:
    await said(sandbox, "cd /tmp; export V=old")
    await said(sandbox, ending, timeout_s=1)
    assert await said(sandbox, "pwd; echo $V") == "/tmp\nold\n"


async def test_a_directory_that_is_gone_is_told(sandbox: PosixSandbox, workspace: Path) -> None:
    await said(sandbox, "mkdir x; cd x; rmdir ../x")
    assert await said(sandbox, "pwd") == f"[the directory {workspace}/x is gone; back in the repository]\n{workspace}\n"


async def test_scripts_keep_their_line_numbers_and_children_know_nothing_of_it(
    sandbox: PosixSandbox, workspace: Path
) -> None:
    assert "line 2" in await said(sandbox, "true\nno-such-command")
    # Into a file: of a pipe the shell itself holds an end for a moment.
    held = "ls /proc/$$/fd >held; wc -l <held"
    assert await said(sandbox, f"bash -c 'echo \"[$BASH_ENV]\"; trap -p; cd /tmp'; (cd /); {held}") == "[]\n3\n"
    assert await said(sandbox, "pwd") == f"{workspace}\n"
    long = "# " + "x" * 150_000 + "\ncd /tmp; echo long"
    assert await said(sandbox, long) == "long\n" and await said(sandbox, "pwd") == "/tmp\n"


async def test_a_deleted_home_loses_the_state_and_nothing_else(sandbox: PosixSandbox, workspace: Path) -> None:
    await said(sandbox, "cd /tmp; rm -rf ~/.[a-z]*")
    await said(sandbox, "export V=1; rm -rf ~/.[a-z]*")
    assert await said(sandbox, "echo $V") == "1\n"


@pytest.mark.parametrize("kind", KINDS[2:])
async def test_a_plain_sh_carries_over_too(kind: str, open_place: Opener, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "setsid", "mv", "mkdir", "sleep"):
        found = next(path for path in (Path("/usr/bin", name), Path("/bin", name)) if path.exists())
        (programs / name).symlink_to(found.resolve())
    sandbox = await open_place(kind, env={"PATH": str(programs)})
    await said(sandbox, "mkdir d; cd d; export V='a b'; exit 2")
    assert await said(sandbox, 'echo "$0 ${PWD##*/} $V"') == "sh d a b\n"
    long = "# " + "x" * 150_000 + "\nexport V=long"
    await said(sandbox, long)
    assert await said(sandbox, "echo $V") == "long\n"
