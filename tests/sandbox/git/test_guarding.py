import os
import shutil
import subprocess
from pathlib import Path

import pytest

from glmcode_sandbox.git.guarding import ASIDE, Guard
from glmcode_sandbox.git.repository import open_repository
from glmcode_sandbox.git.walking import walk
from glmcode_sandbox.workspaces.mounts import guarded_mounts
from tests.sandbox.repositories import git, make_repository, write


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.txt": "a\n", "hooks/pre-commit": "#!/bin/sh\nexit 0\n"})


async def test_a_clone_is_kept_and_one_with_a_command_in_its_configuration_is_disarmed(repo: Path) -> None:
    guard = Guard(repo, ())
    await guard.begin()
    git(repo, "clone", "-q", str(repo / ".git"), str(repo / "good"))
    git(repo, "clone", "-q", str(repo / ".git"), str(repo / "bad"))
    git(repo / "bad", "config", "alias.st", "!false")
    good = (repo / "good/.git/config").read_text()
    taken = await guard.end()
    assert (taken.back, taken.kept) == (("bad/.git",), ("good/.git",))
    assert (repo / "good/.git/config").read_text() == good
    assert git(repo / "bad", "log", "--format=%H") == git(repo, "log", "--format=%H")
    assert "alias" not in (repo / "bad/.git/config").read_text()
    assert git(repo / "bad", "config", "--get-regexp", "^(core.bare|remote)").splitlines()[0] == "core.bare false"


@pytest.mark.parametrize("kind", ["file", "link", "commondir"])
async def test_a_git_entry_that_leads_elsewhere_is_set_aside(repo: Path, kind: str) -> None:
    guard = Guard(repo, ())
    await guard.begin()
    entry = repo / "n/.git"
    (repo / "n").mkdir()
    match kind:
        case "file":
            entry.write_text("gitdir: ../elsewhere\n")
        case "link":
            entry.symlink_to("../elsewhere")
        case _:
            write(repo, {"n/.git/commondir": "../elsewhere\n"})
    assert (await guard.end()).back == ("n/.git",)
    assert not os.path.lexists(entry) and os.path.lexists(repo / "n" / ASIDE)


async def test_hooks_are_put_back_with_their_mode_and_new_ones_removed(repo: Path) -> None:
    hook = repo / "hooks/pre-commit"
    hook.chmod(0o750)
    guard = Guard(repo, ("hooks",))
    await guard.begin()
    (repo / "hooks").rename(repo / "moved")
    (repo / "hooks").mkdir()
    write(repo, {"hooks/pre-commit": "evil\n", "hooks/post-commit": "evil\n"})
    taken = await guard.end()
    assert taken.back == ("hooks/post-commit", "hooks/pre-commit")
    assert (hook.read_text(), hook.stat().st_mode & 0o777) == ("#!/bin/sh\nexit 0\n", 0o750)
    assert [path.name for path in (repo / "hooks").iterdir()] == ["pre-commit"]


async def test_a_link_above_the_hooks_is_removed_before_anything_is_written_through_it(
    repo: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside/hooks").mkdir(parents=True)
    git(repo, "mv", "hooks", "deep")
    write(repo, {"tools/hooks/pre-commit": "good\n"})
    guard = Guard(repo, ("tools/hooks",))
    await guard.begin()
    (repo / "tools").rename(repo / "moved")
    (repo / "tools").symlink_to(tmp_path / "outside")
    assert set((await guard.end()).back) == {"tools", "tools/hooks", "tools/hooks/pre-commit"} - {"tools/hooks"}
    assert (repo / "tools/hooks/pre-commit").read_text() == "good\n"
    assert list((tmp_path / "outside/hooks").iterdir()) == []


async def test_what_nobody_touched_is_not_named(repo: Path) -> None:
    make_repository(repo / "own", {"x": "x\n"})
    write(repo, {".vscode/settings.json": "{}\n", ".envrc": "x\n"})
    guard = Guard(repo, ("hooks",))
    await guard.begin()
    write(repo, {"b.txt": "b\n", "hooks2": "x\n"})
    taken = await guard.end()
    assert (taken.back, taken.kept) == ((), ())


async def test_programs_of_the_tree_that_the_configuration_names_are_hooks(repo: Path) -> None:
    write(repo, {"clean.py": "x\n", "tools/t.sh": "x\n"})
    for key, value in (
        ("filter.x.clean", "python3 clean.py %f"),
        ("core.fsmonitor", "./later/monitor"),
        ("alias.x", "!f() { cd tools/ && sh tools/t.sh; }; f"),
        ("core.pager", "less"),
    ):
        git(repo, "config", key, value)
    repository = await open_repository(repo)
    assert repository.hook_paths == ("clean.py", "later/monitor", "tools/t.sh")
    mounts = guarded_mounts(repository, ())
    assert [mount.target for mount in mounts] == [f"{repo}/clean.py", f"{repo}/tools/t.sh"]
    assert all(mount.read_only for mount in mounts)


async def test_what_git_obeys_in_repositories_that_were_there_is_put_back(repo: Path) -> None:
    own = make_repository(repo / "vendor/own", {"x": "x\n"})
    config, hook = own / ".git/config", own / ".git/hooks/post-checkout"
    before = config.read_text()
    git(repo, "worktree", "add", "-q", "trees/x", "-b", "x")
    link = (repo / "trees/x/.git").read_text()
    guard = Guard(repo, ())
    await guard.begin()
    git(own, "config", "core.fsmonitor", "false")
    write(own, {".git/hooks/post-checkout": "evil\n", ".git/config.worktree": "[core]\n\tfsmonitor = x\n"})
    write(repo, {"trees/x/.git": "gitdir: ../../evil\n"})
    names = ("config", "config.worktree", "hooks/post-checkout")
    assert (await guard.end()).back == ("trees/x/.git", *(f"vendor/own/.git/{name}" for name in names))
    assert (config.read_text(), (repo / "trees/x/.git").read_text()) == (before, link)
    assert not hook.exists() and not (own / ".git/config.worktree").exists()


async def test_a_repository_that_was_removed_stays_removed(repo: Path) -> None:
    make_repository(repo / "own", {"x": "x\n"})
    guard = Guard(repo, ())
    await guard.begin()
    shutil.rmtree(repo / "own")
    taken = await guard.end()
    assert (taken.back, taken.kept) == ((), ()) and not (repo / "own").exists()


async def test_folders_that_were_closed_hide_nothing(repo: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("every folder is open to root")
    guard = Guard(repo, ())
    await guard.begin()
    make_repository(repo / "hidden/nested", {"x": "x\n"})
    git(repo / "hidden/nested", "config", "core.fsmonitor", "false")
    for path, mode in (("hidden/nested/.git", 0o311), ("hidden", 0o111), ("", 0o311)):
        (repo / path).chmod(mode)
    assert (await guard.end()).back == ("hidden/nested/.git",)
    assert "fsmonitor" not in (repo / "hidden/nested/.git/config").read_text()


async def test_setuid_bits_are_taken_in_git_folders_and_below_paths_that_are_too_long(repo: Path) -> None:
    guard = Guard(repo, ())
    await guard.begin()
    write(repo, {"x/.git/objects/s": "s"})
    (repo / "x/.git/objects/s").chmod(0o4755)
    _nest(repo, 20)
    deep = "/".join(["d" * 250] * 20)
    assert (await guard.end()).back == (f"{deep}/.git", f"{deep}/s", "x/.git/objects/s")
    seen = {found.path.rpartition("/")[2]: found.entry.stat().st_mode & 0o7777 for found in walk(repo)}
    assert (seen["s"], ASIDE in seen) == (0o755, True)
    shutil.rmtree(repo / ("d" * 250))


def _nest(folder: Path, depth: int) -> None:
    """Folders with long names in each other, and at the bottom a git folder and a program with its bits set."""
    script = f"d=$(printf 'd%.0s' $(seq 250)); for i in $(seq {depth}); do mkdir $d && cd $d; done"
    subprocess.run(["bash", "-c", f"{script}; mkdir .git; cp /bin/sh s; chmod 6755 s"], cwd=folder, check=True)
