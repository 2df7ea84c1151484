import asyncio
import mmap
import os
import random
import shutil
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode_sandbox.base import SandboxKind
from glmcode_sandbox.git.gitview import GitView
from glmcode_sandbox.git.shadow import make_shadow
from glmcode_sandbox.git.watchedview import WatchedView
from glmcode_sandbox.open import open_sandbox
from glmcode_sandbox.workspace import open_workspace
from tests.sandbox.repositories import git, make_repository, write

FILES: dict[str, str | bytes] = {
    ".gitignore": "*.log\nbuild/\n",
    "a": "a\n",
    "b": "b\n",
    "d/x": "x\n",
    "d/e/y": "y\n",
    "build/kept": "tracked though ignored\n",
}
NAMES = (
    "a",
    "b",
    "c",
    "d/x",
    "d/new",
    "d/e/y",
    "d/e/z.log",
    "n/m/o",
    "build/kept",
    "build/junk",
    "t.log",
    ".gitignore",
)
FOLDERS = ("d", "d/e", "n", "n/m", "build", "moved")


class Seen:
    """A working tree that is watched, and beside it a plain view that always looks at everything."""

    def __init__(self, folder: Path) -> None:
        self.repo = make_repository(folder / "repo", FILES)
        git(self.repo, "add", "-f", "build/kept")
        git(self.repo, "commit", "-qm", "kept")
        shadow = folder / "shadow"
        make_shadow(shadow, self.repo / ".git/objects", "sha1", b"")
        self.watched = WatchedView(shadow, self.repo, folder / "index", loose_stat=False)
        self.plain = GitView(shadow, self.repo, folder / "plain-index", loose_stat=False)

    async def start(self) -> None:
        for view in (self.watched, self.plain):
            await view.load_index(self.repo / ".git/index")
            await view.fix_left_out()
        await self.check()

    async def check(self) -> None:
        assert await self.watched.quick_tree() == await self.plain.tree()


@pytest.fixture
async def seen(tmp_path: Path) -> AsyncIterator[Seen]:
    made = Seen(tmp_path)
    await made.start()
    yield made
    made.watched.close()


def change(repo: Path, operation: str, name: str, folder: str, content: bytes) -> None:
    """One change as a command would make it, where that is possible now."""
    path, other = repo / name, repo / folder
    try:
        match operation:
            case "write" | "same size":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            case "append":
                with path.open("ab") as stream:
                    stream.write(content)
            case "replace":
                path.with_name("temporary~").write_bytes(content)
                path.with_name("temporary~").replace(path)
            case "delete":
                path.unlink()
            case "link":
                path.unlink(missing_ok=True)
                path.symlink_to("b")
            case "mode":
                path.chmod(path.stat().st_mode ^ 0o111)
            case "rename":
                path.rename(repo / "c")
            case "mkdir":
                other.mkdir(parents=True)
            case "remove folder":
                shutil.rmtree(other)
            case "move folder":
                other.rename(repo / "moved")
            case "folder for file":
                path.unlink()
                write(repo, {f"{name}/inner": content})
            case "repository":
                git(other, "init", "-q")
            case _:
                path.write_bytes(b"*.log\n" if content < b"m" else b"d/\n")
    except OSError:
        pass


OPERATIONS = (
    "write", "same size", "append", "replace", "delete", "link", "mode", "rename", "mkdir",
    "remove folder", "move folder", "folder for file", "ignore", "repository",
)  # fmt: skip
CHANGE = st.tuples(
    st.sampled_from(OPERATIONS),
    st.sampled_from(NAMES),
    st.sampled_from(FOLDERS),
    st.sampled_from([b"1\n", b"2\n", b"z\n", b""]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(CHANGE, max_size=4), max_size=6))
def test_what_was_touched_is_all_that_changed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[tuple[str, str, str, bytes]]]
) -> None:
    async def check() -> None:
        seen = Seen(tmp_path_factory.mktemp("seen"))
        await seen.start()
        for step in steps:
            for operation, name, folder, content in step:
                is_ignore = operation == "ignore"
                change(seen.repo, operation, ".gitignore" if is_ignore else name, folder, content)
            await seen.check()
        seen.watched.close()

    asyncio.run(check())


async def test_nothing_is_missed_while_others_write(seen: Seen) -> None:
    stop = threading.Event()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while not stop.is_set():
            content = chance.choice([b"1\n", b"2\n", b"3\n"])
            operation = chance.choice([name for name in OPERATIONS if name not in ("repository", "ignore")])
            change(seen.repo, operation, chance.choice(NAMES[:-1]), chance.choice(FOLDERS), content)
            time.sleep(chance.random() * 0.004)

    for round_ in range(6):
        stop.clear()
        threads = [threading.Thread(target=work, args=(seed,)) for seed in (round_, round_ + 100)]
        for thread in threads:
            thread.start()
        taken = 0
        ends = time.monotonic() + 0.4
        while time.monotonic() < ends or taken < 2:
            await seen.watched.quick_tree()
            taken += 1
        stop.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        # Its own index: one that was not there all the time still knows files that were gone in between.
        assert await seen.watched.quick_tree() == await seen.watched.tree()


async def test_only_what_was_touched_is_looked_at(seen: Seen, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    os.link(seen.repo / "a", outside)
    before = await seen.watched.quick_tree()
    outside.write_text("through another name\n")
    write(seen.repo, {"b": "b2\n"})
    quick = await seen.watched.quick_tree()
    assert before != quick
    assert quick != await seen.plain.tree() == await seen.watched.tree()
    await seen.check()


async def test_a_file_with_two_names_changes_under_both(seen: Seen) -> None:
    os.link(seen.repo / "a", seen.repo / "d/other name")
    await seen.check()
    for number in range(2):
        write(seen.repo, {"d/other name": f"{number}\n"})
        await seen.check()


async def test_a_mapped_file_is_told_when_it_is_closed(seen: Seen) -> None:
    with (seen.repo / "a").open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
        await seen.check()
        mapped[0:1] = b"Z"
    await seen.check()


async def test_more_changes_than_the_kernel_remembers(seen: Seen) -> None:
    queue = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if queue > 50_000:
        pytest.skip("the queue is too long to fill")
    write(seen.repo, {"b": "first\n"})
    for number in range(queue // 3):
        path = seen.repo / "d" / f"n{number % 7}"
        path.write_text("x")
        path.unlink()
    write(seen.repo, {"a": "last\n", "d/e/last": "l\n"})
    await seen.check()
    write(seen.repo, {"a": "and after\n"})
    await seen.check()


async def test_a_tree_too_deep_to_be_watched_is_looked_at(seen: Seen) -> None:
    deep = seen.repo / "/".join(["f"] * 210)
    deep.mkdir(parents=True)
    await seen.check()
    for number in range(3):
        (deep / "file").write_text(f"{number}\n")
        await seen.check()


async def test_a_repository_that_is_put_in_the_place_of_another(seen: Seen, tmp_path: Path) -> None:
    shutil.copytree(seen.repo, tmp_path / "copy", symlinks=True)
    shutil.rmtree(seen.repo)
    shutil.move(tmp_path / "copy", seen.repo)
    write(seen.repo, {"a": "a2\n"})
    await seen.check()
    write(seen.repo, {"a": "a3\n"})
    await seen.check()


async def test_watches_are_given_back(seen: Seen) -> None:
    def watched() -> int:
        links = list(Path("/proc/self/fd").iterdir())
        return sum(os.path.realpath(link).endswith("inotify") for link in links)

    before = watched()
    for _ in range(3):
        (seen.repo / "fresh").mkdir(exist_ok=True)
        (seen.repo / "fresh").rename(seen.repo / f"other{time.time()}")
        await seen.check()
    assert watched() == before > 0
    seen.watched.close()
    assert watched() == before - 1


COMMANDS = ("echo 2 >a", "chmod +x b", "mv d/x d/z", "rm -r d/e", "mkdir -p n/m; echo o >n/m/o", "echo p >n/m/o")


@pytest.mark.parametrize(
    "kind", [pytest.param("docker", marks=pytest.mark.docker), pytest.param("bwrap", marks=pytest.mark.bwrap)]
)
async def test_what_commands_in_a_sandbox_touch_is_told(
    kind: SandboxKind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    image = request.getfixturevalue("docker_image") if kind == "docker" else None
    repo = make_repository(tmp_path / "repo", FILES)
    async with await open_workspace(repo, "direct", state_dir=tmp_path / "state") as space:
        sandbox = await open_sandbox(kind, mounts=space.mounts, workdir=space.path, owner=space.owner, image=image)
        try:
            await sandbox.start()
            seen = [await space.tree(quick=True)]
            for command in COMMANDS:
                done = await sandbox.exec(command)
                assert done.exit_code == 0, done.output
                seen.append(await space.tree(quick=True))
                assert seen[-1] == await space.tree()
            assert len(set(seen)) == len(seen)
        finally:
            await sandbox.close()
