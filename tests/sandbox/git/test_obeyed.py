"""Which files of a tree the person's git obeys, wherever links lead, and that they are closed to commands."""

import os
import socket
from pathlib import Path

import pytest

from glmcode_sandbox.git.repository import open_repository
from glmcode_sandbox.workspaces.mounts import guarded_mounts
from tests.sandbox.repositories import git, make_repository, write


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path, home: Path) -> Path:
    return make_repository(
        tmp_path / "repo", {"a.txt": "a\n", "scripts/check": "x\n", "conf/more": "[alias]\n\tx = y\n"}
    )


async def _obeyed(repo: Path) -> tuple[str, ...]:
    return (await open_repository(repo)).hook_paths


async def test_what_hooks_of_the_git_folder_are_links_to_is_obeyed(repo: Path) -> None:
    (repo / "second").symlink_to("scripts")
    (repo / ".git/hooks").mkdir(exist_ok=True)
    (repo / ".git/hooks/pre-commit").symlink_to("../../second/check")
    assert await _obeyed(repo) == ("scripts/check", "second", "second/check")


async def test_a_folder_of_hooks_that_is_a_link_is_obeyed_where_it_leads(repo: Path) -> None:
    (repo / ".hooks").symlink_to("scripts")
    git(repo, "config", "core.hooksPath", ".hooks")
    assert {".hooks", "scripts"} <= set(await _obeyed(repo))


async def test_another_name_of_a_hook_is_obeyed(repo: Path) -> None:
    (repo / ".git/hooks").mkdir(exist_ok=True)
    (repo / ".git/hooks/pre-push").hardlink_to(repo / "scripts/check")
    assert await _obeyed(repo) == ("scripts/check",)


async def test_files_that_included_files_include_are_found_by_their_own_place(repo: Path) -> None:
    write(repo, {"conf/first": "[include]\n\tpath = more\n\tpath = later\n"})
    git(repo, "config", "include.path", "../conf/first")
    assert await _obeyed(repo) == ("conf/first", "conf/later", "conf/more")


async def test_the_persons_own_configuration_is_obeyed_where_it_lies_in_the_tree(repo: Path, home: Path) -> None:
    write(repo, {"dotfiles/gitconfig": ""})
    (home / ".gitconfig").symlink_to(repo / "dotfiles/gitconfig")
    assert await _obeyed(repo) == ("dotfiles/gitconfig",)


async def test_a_git_folder_in_the_tree_is_closed_as_a_whole(repo: Path, tmp_path: Path) -> None:
    (repo / ".git").rename(repo / ".bare")
    (repo / ".git").write_text("gitdir: ./.bare\n")
    repository = await open_repository(repo)
    assert repository.vouched
    assert repository.hook_paths == (".bare/commondir", ".bare/config", ".bare/config.worktree", ".bare/hooks")
    assert guarded_mounts(repository, ()) == ()  # it is mounted itself


async def test_repositories_inside_and_ways_to_other_processes_are_closed(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repo, {".gitignore": "vendor/\n"})
    for inner in ("vendor/own", "vendor/own/deeper"):
        make_repository(repo / inner, {"x": "x\n"})
    os.mkfifo(repo / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(repo)  # the path of a socket is short
        listener.bind("app.sock")
    mounts = guarded_mounts(await open_repository(repo), ())
    inside = [(mount.target.removeprefix(f"{repo}/"), str(mount.source).removeprefix(f"{repo}/")) for mount in mounts]
    assert inside == [
        ("vendor/own/.git", "vendor/own/.git"),
        ("vendor/own/deeper/.git", "vendor/own/deeper/.git"),
        ("app.sock", "/dev/null"),
        ("pipe", "/dev/null"),
    ]
    assert all(mount.read_only for mount in mounts)
