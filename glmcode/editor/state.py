"""What an editor shows of the latest session of a repository: whether it runs, what it costs, how it ended."""

import fcntl
import json
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict

from glmcode.session import store
from glmcode.session.store import FILE_NAME, SessionError


class Shown(BaseModel):
    """A problem of the last run."""

    model_config = ConfigDict(frozen=True)

    path: str
    line: int
    severity: Literal["error", "warning", "note"]
    message: str
    rule: str


class EditorState(BaseModel):
    """`glmcode vscode state`, one JSON object."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["vscode_state"] = "vscode_state"
    v: Literal[1] = 1
    root: str
    """The repository's folder, which the paths are relative to."""
    session: str | None = None
    """None: there was none yet."""
    running: bool = False
    model: str = ""
    context_tokens: int | None = None
    """Of the last request."""
    cached_tokens: int | None = None
    cost_usd: float | None = None
    status: str | None = None
    """How the last run ended; None while it runs."""
    verdict: str | None = None
    applied: bool = False
    """Whether the session's changes are in the user's files; what is not known counts as waiting."""
    files_changed: tuple[str, ...] = ()
    problems: tuple[Shown, ...] = ()


def state_of(root: Path, repo: Path, session: str | None = None) -> EditorState:
    """The state of a session of a repository, the latest where none is named. Raises SessionError."""
    if session is not None:
        header = store.read_header(store.session_file(root, session))
    elif found := store.headers(root, repo):
        header = found[0]
    else:
        return EditorState(root=str(repo))
    folder = root / header.id
    usage: dict[str, Any] = {}
    result: dict[str, Any] = {}
    for record in store.records(folder / FILE_NAME):
        match record.get("kind"):
            case "usage":
                usage = record
            case "session_started":
                result = {}
            case "result":
                result = record
    counted = usage.get("usage", {})
    return EditorState(
        root=header.repo,
        session=header.id,
        running=_is_open(folder / FILE_NAME),
        model=header.engine.model,
        context_tokens=counted.get("prompt_tokens"),
        cached_tokens=counted.get("cached_tokens"),
        cost_usd=usage.get("cost_usd"),
        status=result.get("status"),
        verdict=result.get("verdict"),
        applied=_is_applied(folder),
        files_changed=tuple(result.get("files_changed", ())),
        problems=_problems(folder) if result else (),
    )


def _is_applied(folder: Path) -> bool:
    from glmcode.session.timeline import read_timeline

    try:
        timeline = read_timeline(store.records(folder / FILE_NAME))
    except SessionError:
        return False
    return timeline.mode is not None and not timeline.waiting


def _is_open(path: Path) -> bool:
    """Whether a glmcode holds the session."""
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _problems(folder: Path) -> tuple[Shown, ...]:
    try:
        log = json.loads((folder / "results.sarif").read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(_shown(found) for found in log["runs"][0]["results"])


def _shown(found: dict[str, Any]) -> Shown:
    place = found["locations"][0]["physicalLocation"]
    return Shown(
        path=unquote(place["artifactLocation"]["uri"]),
        line=place["region"]["startLine"],
        severity=found["level"],
        message=found["message"]["text"],
        rule=found["ruleId"],
    )


def content_at(root: Path, session: str, at: str, path: str) -> bytes | None:
    """A file as it was at a point of a session; None where it was not there. Raises SessionError, WorkspaceError."""
    import asyncio

    from glmcode.session.timeline import TREES_NAME, read_timeline
    from glmcode_sandbox.git.trees import TreeStore

    file = store.session_file(root, session)
    tree = read_timeline(store.records(file)).point(at).tree
    if tree is None:
        raise SessionError(f"how the files were at {at} is not known to session {session}")
    return asyncio.run(TreeStore(file.parent / TREES_NAME).content(tree, path))
