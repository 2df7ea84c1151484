"""Reviews of the difference between two sets of files."""

from collections.abc import Mapping
from pathlib import Path

from glmcode.review.hunks import Review, compare
from glmcode_sandbox.git.shadow import make_shadow
from glmcode_sandbox.git.trees import TreeStore

LINES = [f"line_{number} = {number}" for number in range(1, 41)]
OLD = "\n".join(LINES) + "\n"
NEW = (
    OLD.replace("line_3 = 3\n", "line_3 = [three]\n")
    .replace("line_20 = 20\n", "")
    .replace("= 38\n", "= 38\nmore = 1\n")
)
"""Three hunks: a line changed, one removed, one added."""
BEFORE = {"a.py": OLD, "gone.txt": "bye\n", "pic.bin": "\0old"}
AFTER = {"a.py": NEW, "new/\u8bf4\u660e.md": "# \u4f60\u597d\n[red]text[/red]\n", "pic.bin": "\0new"}


async def review_of(folder: Path, old: Mapping[str, str] = BEFORE, new: Mapping[str, str] = AFTER) -> Review:
    folder.mkdir(parents=True, exist_ok=True)
    shadow = folder / "store"
    make_shadow(shadow, folder, "sha1", b"")
    store = TreeStore(shadow)
    trees = []
    for files in (old, new):
        entries = {path: ("100644", await store.new_blob(content.encode())) for path, content in files.items()}
        trees.append(await store.with_files(await store.empty(), entries, folder))
    return await compare(store, trees[0], trees[1])
