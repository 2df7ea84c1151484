"""Builds the index before the first prompt: in a process of low priority that tells how far it is."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glmcode.context.files import ContextError, all_names, can_be_shown
from glmcode.context.index.history import HistoryReader
from glmcode.context.index.place import index_file, with_index
from glmcode.context.index.pruning import prune
from glmcode.context.index.settling import settle
from glmcode.context.index.snapshot import take_snapshot
from glmcode.context.index.store import Store

NICENESS = 10
STOP_LIMIT_S = 2.0


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
        take_snapshot(store, repo, [name for name in all_names(repo) if can_be_shown(name)], on_progress=tell)
        settle(store)
        history.commits()
        if index_file(repo).exists():
            prune(store)

    with suppress(ContextError, OSError):
        with_index(repo, work)


if __name__ == "__main__":
    main()
