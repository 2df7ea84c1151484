"""Keeps the index from growing for ever: blobs that working trees went on from longest ago go first."""

from pathlib import Path

from glmcode.context.index.store import Store

MAX_INDEX_BYTES = 1 << 30
KEPT_SHARE = 0.7
"""Pruning goes below the bound by this, so that it is seldom."""


def prune(store: Store, most: int = MAX_INDEX_BYTES) -> int:
    """Bring the index below `most` bytes where blobs that no working tree holds are in it. Returns how many went.

    What working trees hold stays, whatever its size; so does what they left last. Reads and writes the whole index
    where it is too large, so it belongs off the path to a prompt. Safe beside other processes.
    """
    size = store.size()
    if size <= most:
        return 0
    with store.writing():
        store.forget_roots([root for root in store.roots() if not Path(root).is_dir()])
        unused = store.unused()
        each = size / max(1, len(store.blobs()))
        count = min(len(unused), int((size - KEPT_SHARE * most) / each) + 1)
        if count:
            store.drop(unused[:count])
            store.merge_segments({number for number, _ in store.blobs().values()})
    store.shrink()
    return count
