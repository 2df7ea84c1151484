import os
import stat
from pathlib import Path

import pytest

from glmcode_sandbox.base import FileProblem
from glmcode_sandbox.posix import PosixSandbox


async def reason(sandbox: PosixSandbox, path: str, *, write: bool = False, max_bytes: int = 1000) -> str:
    with pytest.raises(FileProblem) as caught:
        await (sandbox.write_file(path, b"x") if write else sandbox.read_file(path, max_bytes=max_bytes))
    return caught.value.reason


async def test_reads_any_bytes_whole(sandbox: PosixSandbox, workspace: Path) -> None:
    data = os.urandom(400_000) + b"\x1e\x1e\0\r\n"
    (workspace / "data").write_bytes(data)
    assert await sandbox.read_file("data", max_bytes=len(data)) == data
    assert await sandbox.read_file(f"{workspace}/data", max_bytes=10**9) == data
    assert await reason(sandbox, "data", max_bytes=len(data) - 1) == "too_large"
    (workspace / "empty").touch()
    assert await sandbox.read_file("empty", max_bytes=0) == b""


async def test_writes_any_bytes_whole_and_makes_folders(sandbox: PosixSandbox, workspace: Path) -> None:
    data = os.urandom(400_000)
    await sandbox.write_file("new/deep/er/data", data)
    assert (workspace / "new/deep/er/data").read_bytes() == data
    assert stat.S_IMODE((workspace / "new/deep/er/data").stat().st_mode) == 0o644
    assert os.listdir(workspace / "new/deep/er") == ["data"]  # noqa: PTH208
    await sandbox.write_file("new/deep/er/data", b"")
    assert (workspace / "new/deep/er/data").read_bytes() == b""


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o664])
async def test_writing_keeps_the_mode(sandbox: PosixSandbox, workspace: Path, mode: int) -> None:
    (workspace / "a.txt").chmod(mode)
    await sandbox.write_file("a.txt", b"new")
    assert stat.S_IMODE((workspace / "a.txt").stat().st_mode) == mode
    assert (workspace / "a.txt").read_bytes() == b"new"


async def test_a_written_file_is_no_longer_the_other_name_of_a_hard_link(
    sandbox: PosixSandbox, workspace: Path
) -> None:
    (workspace / "other").hardlink_to(workspace / "a.txt")
    await sandbox.write_file("a.txt", b"new")
    assert (workspace / "other").read_text() == "hello\n"


@pytest.mark.parametrize(
    "name",
    [
        "-rf",
        "--help",
        "a b",
        "a\nb",
        "ends\n",
        "quo'te\"",
        "$HOME",
        "*",
        "~",
        "é你",
        "\udcff\udcfe",
        "\\",
        ".hidden",
        "a;b",
    ],
)
async def test_odd_names(sandbox: PosixSandbox, workspace: Path, name: str) -> None:
    await sandbox.write_file(name, name.encode("utf-8", "surrogateescape"))
    assert (workspace / name).read_bytes() == name.encode("utf-8", "surrogateescape")
    assert await sandbox.read_file(name, max_bytes=100) == name.encode("utf-8", "surrogateescape")
    await sandbox.write_file(f"{name}/../in {name}/{name}", b"deep")
    assert (workspace / f"in {name}" / name).read_bytes() == b"deep"


async def test_what_is_not_a_file_is_told_apart(sandbox: PosixSandbox, workspace: Path) -> None:
    os.mkfifo(workspace / "fifo")
    (workspace / "dangling").symlink_to("nowhere/at/all")
    (workspace / "loop").symlink_to("loop")
    with (workspace / "sparse").open("wb") as file:
        file.truncate(2**40)
    assert await reason(sandbox, "none.txt") == "missing"
    assert await reason(sandbox, "no/such/folder/none.txt") == "missing"
    assert await reason(sandbox, "dangling") == "missing"
    assert await reason(sandbox, "loop") == "missing"
    assert await reason(sandbox, "fifo") == "not_regular"
    assert await reason(sandbox, "fifo", write=True) == "not_regular"
    assert await reason(sandbox, ".") == "is_directory"
    assert await reason(sandbox, ".git") == "is_directory"
    assert await reason(sandbox, ".git", write=True) == "is_directory"
    assert await reason(sandbox, "sparse") == "too_large"
    assert await reason(sandbox, "a.txt/below", write=True) == "denied"
    assert await reason(sandbox, "dangling", write=True) == "missing"
    assert await reason(sandbox, "loop", write=True) == "missing"
    assert await reason(sandbox, "") == await reason(sandbox, "a\0b") == "missing"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret", "a/../../secret", "/", "..", "/dev/zero", "/proc/self/environ"]
)
async def test_outside_is_refused(sandbox: PosixSandbox, workspace: Path, path: str) -> None:
    (workspace.parent / "secret").write_text("secret")
    assert await reason(sandbox, path) in ("outside", "missing")
    assert await reason(sandbox, path, write=True) == "outside"
    assert (workspace.parent / "secret").read_text() == "secret"


async def test_a_folder_beside_with_the_same_beginning_is_outside(sandbox: PosixSandbox, workspace: Path) -> None:
    await sandbox.exec("true")
    assert await reason(sandbox, f"{workspace}-other/file", write=True) == "outside"
    assert not Path(f"{workspace}-other").exists()


async def test_links_are_followed_inside_and_refused_outside(sandbox: PosixSandbox, workspace: Path) -> None:
    (workspace / "sub").mkdir()
    (workspace / "link").symlink_to("sub")
    (workspace / "file").symlink_to("a.txt")
    (workspace / "absolute").symlink_to(workspace / "a.txt")
    (workspace / "out").symlink_to("/etc/passwd")
    (workspace / "outdir").symlink_to("/tmp")
    await sandbox.write_file("link/x", b"x")
    assert (workspace / "sub/x").read_bytes() == b"x"
    await sandbox.write_file("file", b"through")
    assert (workspace / "a.txt").read_bytes() == b"through" and (workspace / "file").is_symlink()
    assert await sandbox.read_file("absolute", max_bytes=100) == b"through"
    assert await reason(sandbox, "out") == await reason(sandbox, "out", write=True) == "outside"
    assert (
        await reason(sandbox, "outdir/x", write=True) == await reason(sandbox, "outdir/a/b/x", write=True) == "outside"
    )


async def test_a_failed_write_leaves_the_old_file_and_no_rest(sandbox: PosixSandbox, workspace: Path) -> None:
    assert (await sandbox.exec("mkdir full && echo old >full/f && chmod 555 full/f")).exit_code == 0
    if os.getuid() != 0 or sandbox.kind != "none":
        assert await reason(sandbox, "full/f", write=True) == "denied"
        assert (workspace / "full/f").read_text() == "old\n"
    assert os.listdir(workspace / "full") == ["f"]  # noqa: PTH208


async def test_unreadable_is_denied(sandbox: PosixSandbox, workspace: Path) -> None:
    if os.getuid() == 0 and sandbox.kind == "none":
        pytest.skip("root reads everything")
    (workspace / "a.txt").chmod(0)
    assert await reason(sandbox, "a.txt") == "denied"


async def test_names_in_messages_are_harmless(sandbox: PosixSandbox) -> None:
    with pytest.raises(FileProblem) as caught:
        await sandbox.read_file("\x1b]0;x\x07evil\n\u202ename", max_bytes=1)
    assert str(caught.value) == "evil name: there is no such file"
