"""A new session that goes on from an earlier point of another one."""

import os
import shutil
from pathlib import Path
from typing import Any

from glmcode.session import store
from glmcode.session.keeping import keep_trees
from glmcode.session.marks import Restored
from glmcode.session.store import FILE_NAME, PATCH_NAME, Session
from glmcode.session.timeline import TREES_NAME, read_timeline


async def fork(root: Path, session_id: str, to: str) -> str:
    """Give the id of a copy of a session whose conversation ends at a point; see `Timeline.point`.

    The whole past is in it, so its files can be restored to every point, too. Raises SessionError.
    """
    source = store.session_file(root, session_id)
    lines = list(store.records(source))
    point = read_timeline(lines).named(to)
    header = store.read(source)[0]
    with store.create(
        root, repo=Path(header.repo), version=header.version, engine=header.engine, first_prompt=header.title
    ) as made:
        _copy(source.parent, made, lines)
        count = sum(line.get("kind") == "restored" for line in lines)
        made.append_record(Restored(id=f"r{count + 1}", to=point, conversation=True, files=False))
    await keep_trees(made.folder)
    return made.id


def _copy(folder: Path, made: Session, lines: list[dict[str, Any]]) -> None:
    with (made.folder / FILE_NAME).open("ab") as file:
        file.writelines(store.line_of(line) for line in lines if line.get("kind") != "session")
    if (folder / TREES_NAME).is_dir():
        # Objects never change, so both may have the same.
        shutil.copytree(folder / TREES_NAME, made.folder / TREES_NAME, copy_function=_link)
    if (folder / PATCH_NAME).is_file():
        shutil.copy2(folder / PATCH_NAME, made.folder / PATCH_NAME)


def _link(source: str, target: str) -> None:
    if "objects" not in Path(source).parts[-4:-1] or Path(source).parent.name == "info":
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
