import io
import os
import tarfile
from pathlib import Path

import pytest

from glmcode_sandbox.images.build_context import DOCKERFILE, copied, pack_context
from glmcode_sandbox.images.devcontainer import Build, DevcontainerError
from glmcode_sandbox.images.devcontainer_image import build_digest
from tests.sandbox.repositories import write

BUILD = Build(".devcontainer/Dockerfile", "")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    files = {"a.txt": "a\n", "b/c.txt": "c\n", "b/d.md": "d\n", "req-x.txt": "x\n", ".git/config": "[core]\n"}
    write(folder, {**files, ".devcontainer/Dockerfile": "FROM x\n"})
    return folder


def packed(repo: Path, build: Build = BUILD) -> dict[str, tarfile.TarInfo]:
    stream = io.BytesIO()
    pack_context(repo, build, stream)
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as tar:
        return {entry.name: entry for entry in tar if not entry.isdir()}


@pytest.mark.parametrize(
    ("dockerfile", "patterns"),
    [
        ("FROM x\nRUN true\n", ()),
        ("FROM x\ncopy a.txt b/c.txt /x/\n", ("a.txt", "b/c.txt")),
        ('FROM x\nCOPY --chown=1:1 ["a b", "c", "/x"]\n', ("a b", "c")),
        ("FROM x\nCOPY req*.txt \\\n  # why\n  b/ /x/\n", ("req*.txt", "b")),
        ("FROM x\nADD https://example.org/x.tgz /x\nCOPY --from=build /out /out\n", ()),
        ("FROM x\nCOPY . /src\n", None),
        ("FROM x\nCOPY $WHAT /src\n", None),
        ("FROM x\nCOPY <<END /x\nhi\nEND\n", None),
        ("FROM x\nRUN --mount=type=bind,target=/src make\n", None),
        ("# escape=`\nFROM x\nCOPY a `\n b /x/\n", None),
    ],
)
def test_what_a_dockerfile_copies(dockerfile: str, patterns: tuple[str, ...] | None) -> None:
    assert copied(dockerfile) == patterns


@pytest.mark.parametrize(
    ("dockerfile", "files"),
    [
        ("FROM x\n", set()),
        ("FROM x\nCOPY req*.txt b /x/\n", {"req-x.txt", "b/c.txt", "b/d.md"}),
        ("FROM x\nCOPY . /x\n", {"a.txt", "b/c.txt", "b/d.md", "req-x.txt", ".devcontainer/Dockerfile"}),
    ],
)
def test_only_what_is_copied_is_sent(repo: Path, dockerfile: str, files: set[str]) -> None:
    (repo / ".devcontainer/Dockerfile").write_text(dockerfile)
    assert set(packed(repo)) == files | {DOCKERFILE}


def test_what_is_ignored_is_not_sent(repo: Path) -> None:
    write(repo, {".devcontainer/Dockerfile": "FROM x\nCOPY . /x\n", ".dockerignore": "# all but one\nb\n!b/c.txt\n"})
    assert "b/d.md" not in packed(repo) and "b/c.txt" in packed(repo)


def test_links_are_sent_as_links_and_nothing_behind_them(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    (repo / "link").symlink_to(tmp_path / "secret")
    (repo / "folder").symlink_to(tmp_path)
    os.mkfifo(repo / "pipe")
    (repo / ".devcontainer/Dockerfile").write_text("FROM x\nCOPY . /x\n")
    stream = io.BytesIO()
    pack_context(repo, BUILD, stream)
    assert b"s3cret" not in stream.getvalue()
    found = packed(repo)
    assert found["link"].issym() and found["folder"].issym() and "pipe" not in found


@pytest.mark.parametrize("linked", ["Dockerfile", ".devcontainer", "context"])
def test_a_link_out_of_the_repository_is_refused(repo: Path, tmp_path: Path, linked: str) -> None:
    outside = tmp_path / "outside"
    write(outside, {"Dockerfile": "FROM x\nCOPY . /\n", "secret": "s3cret"})
    build = Build(".devcontainer/Dockerfile", "ctx") if linked == "context" else BUILD
    if linked == "context":
        (repo / "ctx").symlink_to(outside)
        (repo / ".devcontainer/Dockerfile").write_text("FROM x\nCOPY . /\n")
    else:
        (repo / ".devcontainer/Dockerfile").unlink()
        if linked == "Dockerfile":
            (repo / ".devcontainer/Dockerfile").symlink_to(outside / "Dockerfile")
        else:
            (repo / ".devcontainer").rmdir()
            (repo / ".devcontainer").symlink_to(outside)
    with pytest.raises(DevcontainerError):
        pack_context(repo, build, io.BytesIO())


def test_the_digest_follows_what_is_copied_and_nothing_else(repo: Path) -> None:
    (repo / ".devcontainer/Dockerfile").write_text("FROM x\nCOPY a.txt /x\n")
    first = build_digest(repo, BUILD)
    (repo / "b/c.txt").write_text("changed")
    os.utime(repo / "a.txt", (1, 1))
    assert build_digest(repo, BUILD) == first
    digests = {first, build_digest(repo, Build(BUILD.dockerfile, "", (("A", "1"),)))}
    (repo / "a.txt").write_text("changed")
    digests.add(build_digest(repo, BUILD))
    (repo / ".devcontainer/Dockerfile").write_text("FROM y\nCOPY a.txt /x\n")
    digests.add(build_digest(repo, BUILD))
    assert len(digests) == 4
