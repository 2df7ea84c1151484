import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.files import (
    ContextError,
    decode,
    list_files,
    open_root,
    read_bytes,
)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


def source(repo: Path, path: str) -> bytes | None:
    with open_root(repo) as root:
        found = read_bytes(root, path, 1000)
        return None if found is None else found[0]


def test_what_the_person_ignores_everywhere_is_not_listed(repo: Path) -> None:
    home = Path(os.environ["HOME"])
    (home / ".gitignore_global").write_text("*.secret\n")
    (home / ".gitconfig").write_text("[core]\n\texcludesFile = ~/.gitignore_global\n")
    (repo / "a.py").write_text("a")
    (repo / "keys.secret").write_text("k")
    assert list_files(repo) == ["a.py"]


def test_lists_tracked_and_new_files_but_not_ignored_ones(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log\n")
    for name in ("b.py", "a.py", "x.log"):
        (repo / name).write_text("x")
    git(repo, "add", "b.py")
    assert list_files(repo) == [".gitignore", "a.py", "b.py"]


def test_lists_below_a_subfolder_relative_to_it(repo: Path) -> None:
    (repo / "pkg").mkdir()
    (repo / "pkg/a.py").write_text("x")
    (repo / "b.py").write_text("x")
    assert list_files(repo / "pkg") == ["a.py"]


def test_leaves_out_names_that_cannot_be_shown(repo: Path) -> None:
    for name in (b"ok \xc3\xa9.py", b"line\nend.py", b"esc\x1b[31m.py", b"bad\xff.py", "a\u202eb.py".encode()):
        Path(os.fsdecode(os.fsencode(repo) + b"/" + name)).write_text("x")
    assert list_files(repo) == ["ok é.py"]


def test_runs_nothing_that_the_repository_names(repo: Path, tmp_path: Path) -> None:
    trap, proof = tmp_path / "trap.sh", tmp_path / "proof"
    trap.write_text(f"#!/bin/sh\ntouch {proof}\n")
    trap.chmod(0o755)
    for setting in ("core.fsmonitor", "core.pager", "core.editor", "filter.x.clean", "filter.x.smudge"):
        git(repo, "config", setting, str(trap))
    for hook in ("post-index-change", "fsmonitor-watchman"):
        (repo / ".git/hooks").mkdir(exist_ok=True)
        (repo / ".git/hooks" / hook).symlink_to(trap)
    (repo / ".gitattributes").write_text("* filter=x\n")
    (repo / "a.py").write_text("x")
    assert list_files(repo) == [".gitattributes", "a.py"]
    assert not proof.exists()


def test_a_folder_without_a_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="git init"):
        list_files(tmp_path)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="not a folder"):
        list_files(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ContextError, match="cannot be entered"):
        list_files(tmp_path / "file")


def test_a_missing_git_is_told(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo / "none"))
    with pytest.raises(ContextError, match="git was not found"):
        list_files(repo)


def test_reads_regular_files_only_and_follows_no_link(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key.py").write_text("key")
    (repo / "real").mkdir()
    (repo / "real/a.py").write_text("a")
    (repo / "link.py").symlink_to(tmp_path / "secret/key.py")
    (repo / "folder").symlink_to(tmp_path / "secret")
    (repo / "loop").symlink_to("loop")
    os.mkfifo(repo / "pipe.py")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(repo)
        try:
            listener.bind("socket.py")
        finally:
            os.chdir(here)
        for path in ("link.py", "folder/key.py", "loop", "pipe.py", "socket.py", "real", "gone.py", "", "real/../a.py"):
            assert source(repo, path) is None
        assert source(repo, "../secret/key.py") is None
    assert source(repo, "real/a.py") == b"a"


def test_a_huge_file_is_not_read_whole(repo: Path) -> None:
    with (repo / "huge.py").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    with open_root(repo) as root:
        assert read_bytes(root, "huge.py", 10) == (b"\0" * 10, 200 * 1024 * 1024)


def test_text_is_shown_as_it_is_and_cannot_act() -> None:
    assert decode(b"a\r\nb\r\n") == "a\nb\n"
    assert decode(b"evil()\rgood()  # \x1b[2K\xff") == "evil() good()  #  [2K\ufffd"
    assert decode("café\u202e\n".encode()) == "café\n"


@given(st.text(), st.sampled_from(["utf-8", "utf-16", "latin-1"]))
def test_decoding_keeps_the_number_of_lines(text: str, encoding: str) -> None:
    data = text.encode(encoding, "replace")
    assert decode(data).count("\n") == data.decode("utf-8", "replace").count("\n")


def test_submodules_conflicts_and_missing_files_do_no_harm(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "inner.py").write_text("x")
    git(other, "add", ".")
    git(other, "commit", "-qm", "x")
    git(repo, "submodule", "add", "-q", str(other), "sub")
    (repo / "gone.py").write_text("x")
    git(repo, "add", ".")
    (repo / "gone.py").unlink()
    assert list_files(repo) == [".gitmodules", "gone.py", "sub"]
    assert source(repo, "sub") is None
    assert source(repo, "gone.py") is None
