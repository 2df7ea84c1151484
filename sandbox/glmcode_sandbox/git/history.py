"""What of a shadow git folder outlives its workspace: the objects in which the trees of a history differ."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from glmcode_sandbox.git.gitrun import git_environment, run_git


async def keep_history(shadow: Path, *histories: Sequence[str]) -> None:
    """Keep what it takes to tell any two trees of a history (oldest first) apart, and drop the other files' contents.

    What is kept no longer needs the user's object store, so a `git gc` there takes no state away: of every path that
    ever changed, all contents are copied here. The folders' listings stay as well. No workspace may be open on
    `shadow`. Raises WorkspaceError; nothing is lost then.
    """
    before = await asyncio.to_thread(lambda: list((shadow / "objects" / "pack").glob("pack-*.pack")))
    wanted = {oid for trees in histories for oid in await _differing(shadow, trees)}
    name = await _pack(shadow, wanted) if wanted else ""
    loose = await asyncio.to_thread(_loose, shadow)
    doomed = await _blobs(shadow, [oid for oid in loose if oid not in wanted])
    await asyncio.to_thread(_remove, shadow, [*doomed, *wanted.intersection(loose)], before, name)


async def _differing(shadow: Path, trees: Sequence[str]) -> set[str]:
    """The ids of all objects on either side of the differences from each tree to the next, and of the trees."""
    steps = [(old, new) for old, new in pairwise(trees) if old != new]
    if not steps:
        return set()
    words = ("diff-tree", "--stdin", "-r", "-t", "--raw", "--no-abbrev", "--no-renames")
    stdin = "".join(f"{old} {new}\n" for old, new in steps).encode()
    found = {oid for step in steps for oid in step}
    for line in (await run_git(words, git_environment(shadow), cwd=shadow, stdin=stdin)).splitlines():
        if line.startswith(b":"):
            old_mode, new_mode, *ids = line[1:].split(b"\t", 1)[0].decode().split(" ")[:4]
            modes = (old_mode, new_mode)
            found.update(oid for mode, oid in zip(modes, ids, strict=True) if mode not in ("000000", "160000"))
    return found


async def _pack(shadow: Path, wanted: set[str]) -> str:
    """Write one pack of exactly these objects; gives its name."""
    folder = shadow / "objects" / "pack"
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    words = ("pack-objects", "--quiet", "--threads=1", str(folder / "pack"))
    stdin = "".join(f"{oid}\n" for oid in sorted(wanted)).encode()
    return (await run_git(words, git_environment(shadow), cwd=shadow, stdin=stdin)).decode().strip()


def _loose(shadow: Path) -> list[str]:
    files = (shadow / "objects").glob("[0-9a-f][0-9a-f]/*")
    return [f"{path.parent.name}{path.name}" for path in files if not path.name.startswith("tmp")]


async def _blobs(shadow: Path, oids: Sequence[str]) -> list[str]:
    words = ("cat-file", "--batch-check=%(objectname) %(objecttype)")
    stdin = "".join(f"{oid}\n" for oid in oids).encode()
    told = (await run_git(words, git_environment(shadow), cwd=shadow, stdin=stdin)).decode()
    return [oid for oid, kind in (line.split(" ", 1) for line in told.splitlines()) if kind == "blob"]


def _remove(shadow: Path, oids: Sequence[str], packs: Sequence[Path], kept: str) -> None:
    for oid in oids:
        (shadow / "objects" / oid[:2] / oid[2:]).unlink(missing_ok=True)
    for pack in packs:
        if pack.stem != f"pack-{kept}":
            for part in pack.parent.glob(f"{pack.stem}.*"):
                part.unlink(missing_ok=True)
    for part in shadow.glob("sharedindex.*"):
        part.unlink(missing_ok=True)
