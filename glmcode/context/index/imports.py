"""What each file names in its imports, read once for each blob and kept in the index."""

import json
from collections.abc import Callable, Mapping, Sequence

from glmcode.context.index.store import Store
from glmcode.context.ranking.links import Import, imports_of


def imports_by_blob(
    store: Store, hashes: Sequence[str], read: Callable[[str], str | None]
) -> Mapping[str, Sequence[Import]]:
    """The imports of each blob. `read` gives the text of one that is not known yet, None where it cannot be read."""
    wanted = list(dict.fromkeys(hashes))
    kept = store.details([f"imports:{hash}" for hash in wanted])
    found: dict[str, Sequence[Import]] = {key.partition(":")[2]: json.loads(data) for key, data in kept.items()}
    fresh: dict[str, bytes] = {}
    for hash in wanted:
        if hash not in found and (text := read(hash)) is not None:
            found[hash] = imports_of(text)
            fresh[f"imports:{hash}"] = json.dumps(found[hash]).encode()
    if fresh:
        with store.writing():
            store.set_details(fresh.items())
    return found
