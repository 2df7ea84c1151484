"""The shadow git folder: where trees are kept without a write to the user's `.git`, and what never enters them."""

import os
from pathlib import Path

from glmcode_sandbox.git.repository import ObjectFormat

_JUNK_NAMES = (
    "__pycache__/ *.pyc .pytest_cache/ .mypy_cache/ .ruff_cache/ .hypothesis/ *.egg-info/ .coverage node_modules/"
)
JUNK = _JUNK_NAMES.replace(" ", "\n").encode() + b"\n"
JUNK_NAMES = tuple(_JUNK_NAMES.split())
"""What test runs leave behind; kept out of trees unless it is tracked or the repository says otherwise."""


def make_shadow(folder: Path, objects: Path, object_format: ObjectFormat, excludes: bytes) -> None:
    """Make the shadow git folder: empty, reading further objects from the user's object store.

    One that is there already keeps its objects.
    """
    for part in ("objects/info", "refs", "info"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    version, extension = ("1", "[extensions]\n\tobjectFormat = sha256\n") if object_format == "sha256" else ("0", "")
    (folder / "config").write_text(f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n{extension}")
    (folder / "info" / "exclude").write_bytes(excludes + b"\n" + JUNK)
    quoted = os.fsencode(objects).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    (folder / "objects" / "info" / "alternates").write_bytes(b'"' + quoted + b'"\n')
