"""Gathers the evidence on every issue of a data set, as the product sees it, and keeps it on disk for fitting.

    python -m benchmarks.packing.gather --data instances.jsonl --mirrors DIR --work DIR

Each line of the data is an object with `id`, `repo` (owner/name), `base` (a commit), `issue` (a text) and `gold`: path
to `edits`, a list of [first, last] lines that the change touches. A mirror is a git directory `owner+name` or
`owner+name/repo` below --mirrors; HEAD of the work tree is `base`, so nothing later can be seen.
"""

import argparse
import json
import pickle
import subprocess
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glmcode.context.core import MAX_TRIED, leant_on
from glmcode.context.files import decode, list_files, open_root, read_bytes
from glmcode.context.index.history import HistoryReader
from glmcode.context.index.outlines import Outlines
from glmcode.context.index.pieces import Piece
from glmcode.context.index.snapshot import take_snapshot
from glmcode.context.index.store import open_store
from glmcode.context.ranking.closer import look_closer
from glmcode.context.ranking.fuse import Row, file_rows, highest_values, piece_rows
from glmcode.context.ranking.gather import gather
from glmcode.context.ranking.task import Task
from glmcode_engine.line_tokens import line_tokens


@dataclass(frozen=True)
class Case:
    """One issue: the evidence on its likely files and their pieces, and what the change really touches."""

    id: str
    repo: str
    gold: dict[str, list[tuple[int, int]]]
    paths: list[str]
    files: list[Row]
    pieces: list[list[Piece]]
    rows: list[list[Row]]
    sizes: list[list[int]]
    """Characters of each piece."""
    tokens: "list[array[int]]"
    """Tokens of each line of each file, as a pack counts them."""
    core: list[tuple[str, int]]
    """What the repository leans on, most leant on first, with the bytes of each."""


def main() -> None:
    """Gather what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--data", "--mirrors", "--work"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    (options.work / "cases").mkdir(parents=True, exist_ok=True)
    for line in options.data.read_text().splitlines():
        instance = json.loads(line)
        kept = options.work / "cases" / f"{instance['id']}.pickle"
        if kept.exists():
            continue
        mirror = find_mirror(options.mirrors, instance["repo"])
        if mirror is None:
            print(f"{instance['id']}: no mirror of {instance['repo']}")
            continue
        tree = options.work / "trees" / instance["repo"].replace("/", "+")
        check_out(mirror, instance["base"], tree)
        kept.write_bytes(pickle.dumps(look(instance, tree, options.work / "index" / f"{tree.name}.sqlite")))
        print(instance["id"], flush=True)


def find_mirror(mirrors: Path, repo: str) -> Path | None:
    """The git directory of owner/name, whatever its case; also as a mirror of a data set, owner__name."""
    wanted = {repo.replace("/", "+").lower(), repo.replace("/", "__").lower()}
    for folder in sorted(mirrors.iterdir()):
        if {folder.name.lower(), folder.name.lower().rpartition("+")[2]} & wanted:
            return folder / "repo" if (folder / "repo").is_dir() else folder
    return None


def check_out(mirror: Path, commit: str, tree: Path) -> None:
    """A work tree at the commit, with its history up to there and no other ref."""
    if not tree.exists():
        tree.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--shared", "--no-checkout", str(mirror), str(tree)], check=True)
    if _git(tree, "checkout", "-q", "-f", "--detach", commit) is None:
        # A mirror may lack its largest blobs: these files are left out.
        _git(tree, "update-ref", "--no-deref", "HEAD", commit)
        _git(tree, "read-tree", "--reset", commit)
        listed = (_git(tree, "ls-tree", "-r", "-l", "-z", commit) or b"").split(b"\0")
        lacking = [entry.partition(b"\t")[2] for entry in listed if b" BAD\t" in entry]
        _git(tree, "update-index", "-z", "--force-remove", "--stdin", given=b"\0".join(lacking))
        _git(tree, "checkout-index", "-q", "-f", "-a")
    _git(tree, "clean", "-qfdx")


def _git(tree: Path, *command: str, given: bytes = b"") -> bytes | None:
    """What git prints; None where it fails."""
    done = subprocess.run(["git", *command], cwd=tree, input=given, capture_output=True)
    return done.stdout if done.returncode == 0 else None


def look(instance: dict[str, Any], tree: Path, index: Path) -> Case:
    """The evidence on one issue."""
    task = Task(instance["issue"])
    with open_store(index) as store, open_root(tree) as root:
        snapshot = take_snapshot(store, tree, list_files(tree))
        evidence = gather(snapshot, HistoryReader(store, tree).commits, task)
        outlines = Outlines(store, tree).of([(path, snapshot.files[path].hash) for path in evidence.order])

        data: dict[str, bytes] = {}

        def read(path: str) -> tuple[str, list[Piece]] | None:
            found = read_bytes(root, path, 4 * 1024 * 1024)
            data[path] = found[0] if found else b""
            pieces = outlines.get(snapshot.files[path].hash)
            return (found[0].decode("utf-8", "replace").replace("\r\n", "\n"), pieces) if found and pieces else None

        closely = look_closer(task, evidence, evidence.order, read)
        files = [snapshot.files[path] for path in closely]
        highest = highest_values({path: one.rows for path, one in closely.items()})
        leaning = leant_on(root, snapshot)
        core = sorted(leaning, key=lambda path: (-leaning[path], path))[:MAX_TRIED]
        return Case(
            id=instance["id"],
            repo=instance["repo"],
            gold={path: [(first, last) for first, last in gold["edits"]] for path, gold in instance["gold"].items()},
            paths=list(closely),
            files=file_rows(evidence.columns, files),
            pieces=[one.pieces for one in closely.values()],
            rows=[piece_rows(one.pieces, one.rows, highest) for one in closely.values()],
            sizes=[[int(row["size"]) for row in one.rows] for one in closely.values()],
            tokens=[array("I", line_tokens(decode(data[path]))) for path in closely],
            core=[(path, snapshot.files[path].size) for path in core],
        )


if __name__ == "__main__":
    main()
