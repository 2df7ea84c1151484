"""Builds the index before the first prompt: in a process of low priority that tells how far it is."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glmcode.context.files import ContextError, all_names, can_be_shown
from glmcode.context.index.history import HistoryReader
from glmcode.context.index.kinds import Kind
from glmcode.context.index.outlines import Outlines
from glmcode.context.index.place import index_file, with_index
from glmcode.context.index.pruning import prune
from glmcode.context.index.settling import settle
from glmcode.context.index.snapshot import take_snapshot
from glmcode.context.index.store import File, Store

NICENESS = 10
STOP_LIMIT_S = 2.0
CODE: tuple[Kind, ...] = ("source", "test")
MAX_OUTLINED = 5_000
"""So many files are parsed in one run: some 20 seconds of one core, once for every content of a file."""
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Progress:
    """How many files of how many that had to be read are in the index."""

    done: int
    of: int


async def warm(repo: Path) -> AsyncGenerator[Progress, None]:
    """Bring the index of `repo` up to date, yielding how far it is; the last one has all files.

    Closing the generator (use `contextlib.aclosing`) or cancelling its task ends the process; what it read until then
    is kept. Safe beside packs, here and in other processes. Nothing is raised where it fails: the first pack does then
    what is missing, and says what is wrong.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__, os.fspath(repo)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            with suppress(ValueError, TypeError):
                done, of = json.loads(line)
                yield Progress(int(done), int(of))
        await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    # It leads a group of its own, so whatever helps it ends with it.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(asyncio.shield(process.wait()), STOP_LIMIT_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def main() -> None:
    """The process: the folder is its argument; a line `[done, of]` goes out for each part."""
    repo = Path(sys.argv[1])
    with suppress(OSError):
        os.nice(NICENESS)

    def tell(done: int, of: int) -> None:
        sys.stdout.write(json.dumps([done, of]) + "\n")
        sys.stdout.flush()

    def work(store: Store) -> None:
        history = HistoryReader(store, repo)
        names = [name for name in all_names(repo) if can_be_shown(name)]
        snapshot = take_snapshot(store, repo, names, on_progress=tell)
        settle(store)
        history.commits()
        if index_file(repo).exists():
            prune(store)
            outline(Outlines(store, repo), snapshot.files.values())

    with suppress(ContextError, OSError):
        with_index(repo, work)


def outline(outlines: Outlines, files: Collection[File], most: int = MAX_OUTLINED) -> None:
    """Parse the code that was never seen, so that its symbols can be named; a large repository takes several runs."""
    code = [file for kind in CODE for file in files if file.kind == kind and file.hash]
    unknown = outlines.unknown([(file.path, file.hash) for file in code])[:most]
    for at in range(0, len(unknown), _AT_ONCE):
        outlines.of(unknown[at : at + _AT_ONCE])


if __name__ == "__main__":
    main()
