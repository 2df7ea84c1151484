"""The session file: append-only JSON lines, written before each request, readable after any crash.

The first line is the header; then come `message` lines (what was said, in order; a `continued` line adds text to the
last of them), `view` lines (what the model is sent of it from there on, after a compaction), the events of the
turns, and the marks that tie steps to states of the files (`marks.py`). A `restored` line may go back: what was said
since is left out from there on (`branches.py`). A line that a crash cut short is ignored on reading and closed before
the next append.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from pydantic import ValidationError

from glmcode.events import PASSING, Compacted, Event, Record
from glmcode.session.branches import read_branches
from glmcode.session.conversation import Conversation
from glmcode.session.remarks import verdict_in
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message, ToolCall

FILE_NAME = "session.jsonl"
PATCH_NAME = "patch.diff"
"""The changes of the last turn, beside the session file."""
INTERRUPTED = "The call was interrupted before it gave a result. Its effects, if any, are unknown."


class SessionError(Exception):
    """A session cannot be opened; the text says which and what to do."""


class Header(Record):
    kind: Literal["session"] = "session"
    id: str
    repo: str
    created: float
    """Seconds since the epoch."""
    version: str
    """Of glmcode."""
    engine: EngineInfo
    title: str
    """First line of the first prompt."""


class Session:
    """An open session. Holds an exclusive lock on its file until closed."""

    def __init__(self, folder: Path, header: Header, conversation: Conversation, descriptor: int) -> None:
        self.folder = folder
        self.header = header
        self._conversation = conversation
        self._descriptor = descriptor

    @property
    def id(self) -> str:
        return self.header.id

    @property
    def messages(self) -> list[Message]:
        """What the model is sent: the conversation, or the view of it that was made last and what came since."""
        return self._conversation.view

    @property
    def said(self) -> int:
        """How many messages the whole conversation has."""
        return len(self._conversation.said)

    @property
    def first_prompt(self) -> str:
        """The first user message as it was sent, whatever a compaction made of it since; empty where there is none."""
        return next((message.content for message in self._conversation.said if message.role == "user"), "")

    @property
    def steps(self) -> int:
        """How many steps the session has had, over all its turns."""
        return self._conversation.steps

    def append_message(self, message: Message) -> None:
        """Add to the conversation; on disk when this returns."""
        self._conversation.add(message)
        self._write(
            {"kind": "message", "v": 1, "time": time.time(), "message": message.model_dump(exclude_defaults=True)}
        )

    def append_to_last(self, text: str) -> None:
        """Let the last message go on with `text`; what it said before stays as it is."""
        self._conversation.go_on(text)
        self._write({"kind": "continued", "v": 1, "time": time.time(), "text": text})

    def append_view(self, view: Sequence[Message], compacted: Compacted) -> None:
        """Send the model `view` from now on; what was said before stays in the file as it was."""
        parts = self._conversation.compact(view, compacted)
        told = compacted.model_dump(mode="json")
        self._write({"kind": "view", "v": 1, "time": time.time(), "compacted": told, "messages": parts})

    def append_event(self, event: Event) -> None:
        """Log what happened, except what the messages, a view or a later event hold already."""
        if event.kind == "step_started":
            self._conversation.steps += 1
        if event.kind not in PASSING and event.kind not in ("assistant_message", "compacted"):
            self.append_record(event, repeated={"text"} if event.kind == "tool_finished" else None)

    def append_record(self, record: Record, *, repeated: set[str] | None = None) -> None:
        """Log any record, without the fields that stand elsewhere already."""
        self._write({**record.model_dump(mode="json", exclude=repeated), "time": time.time()})

    def settle(self) -> list[ToolCall]:
        """Give every call that has no result one, so that the conversation can go on; returns those calls."""
        calls = unanswered(self.messages)
        for call in calls:
            self.append_message(Message(role="tool", content=INTERRUPTED, tool_call_id=call.id))
        return calls

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, record: dict[str, Any]) -> None:
        data = line_of(record)
        while data:
            data = data[os.write(self._descriptor, data) :]


def line_of(record: dict[str, Any]) -> bytes:
    """A record as a session file holds it."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def unanswered(messages: list[Message]) -> list[ToolCall]:
    """The last assistant message's calls that no tool message answers, in order."""
    answered: set[str | None] = set()
    for message in reversed(messages):
        if message.role == "tool":
            answered.add(message.tool_call_id)
        elif message.role == "assistant":
            return [call for call in message.tool_calls if call.id not in answered]
        else:
            break
    return []


def new_id() -> str:
    """An id that no session has yet."""
    return time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(3)


def create(
    root: Path, *, repo: Path, version: str, engine: EngineInfo, first_prompt: str, session_id: str | None = None
) -> Session:
    """Start a session in a folder of its own under `root`, private to the user. Raises SessionError.

    `session_id`: one that `new_id` gave and somebody was told already.
    """
    session_id = session_id or new_id()
    folder = root / session_id
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise SessionError(f"{root} cannot be written: {error.strerror}; set XDG_STATE_HOME elsewhere") from None
    header = Header(
        id=session_id,
        repo=str(repo),
        created=time.time(),
        version=version,
        engine=engine,
        title=next((line.strip() for line in first_prompt.splitlines() if line.strip()), "")[:120],
    )
    session = Session(folder, header, Conversation(), _open_locked(folder / FILE_NAME, os.O_CREAT))
    session._write(header.model_dump(mode="json"))
    return session


def resume(root: Path, session_id: str) -> Session:
    """Open an existing session to go on with it. Raises SessionError."""
    path = session_file(root, session_id)
    descriptor = _open_locked(path, 0)
    try:
        header, conversation = read_whole(path)
        size = os.fstat(descriptor).st_size
        if os.pread(descriptor, 1, max(0, size - 1)) != b"\n":
            os.write(descriptor, b"\n")
        session = Session(path.parent, header, conversation, descriptor)
        session.settle()
    except BaseException:
        os.close(descriptor)
        raise
    return session


def read(path: Path) -> tuple[Header, list[Message]]:
    """Header of a session file, and what the model is sent. Raises SessionError."""
    header, conversation = read_whole(path)
    return header, conversation.view


def read_whole(path: Path) -> tuple[Header, Conversation]:
    """Header of a session file, and all that was said, but for what the user went back behind. Raises SessionError."""
    try:
        branches = read_branches(records(path))
    except LookupError as error:
        raise SessionError(f"{path} goes back to a point that it does not hold: {error}") from None
    header: Header | None = None
    conversation = Conversation(branches.steps)
    for record in branches.lines():
        try:
            match record.get("kind"):
                case "session":
                    header = Header.model_validate(record)
                case "message":
                    conversation.add(Message.model_validate(record["message"]))
                case "continued":
                    conversation.go_on(str(record["text"]))
                case "view":
                    conversation.restore(record["messages"], record["compacted"])
                case "verdict" | "result":
                    if verdict := verdict_in(record):
                        conversation.remark(verdict)
        except (ValueError, LookupError) as error:
            raise SessionError(f"{path} is not a session of this version: {str(error).splitlines()[0]}") from None
    if header is None:
        raise SessionError(f"{path} holds no session")
    return header, conversation


def read_header(path: Path) -> Header:
    """Who and what a session file belongs to. Raises SessionError."""
    try:
        return Header.model_validate(next(records(path), None))
    except ValidationError:
        raise SessionError(f"{path} holds no session") from None


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a session file, in order; lines that a crash cut short are left out."""
    with path.open("rb") as stream:
        for line in stream:
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict):
                    yield record


def session_file(root: Path, session_id: str) -> Path:
    """Where a session's file is; ids come from the command line, so they never leave `root`."""
    if not re.fullmatch(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}", session_id):
        raise SessionError(f"{session_id!r} is not a session id; `glmcode session list` shows them")
    path = root / session_id / FILE_NAME
    if not path.is_file():
        raise SessionError(f"no session {session_id}; `glmcode session list` shows them")
    return path


def headers(root: Path, repo: Path | None = None) -> list[Header]:
    """All sessions, newest first; only those of `repo` when given."""
    found: list[Header] = []
    for path in root.glob(f"*/{FILE_NAME}"):
        first = next(records(path), None)
        with contextlib.suppress(ValidationError):
            header = Header.model_validate(first)
            if repo is None or header.repo == str(repo):
                found.append(header)
    return sorted(found, key=lambda header: header.created, reverse=True)


def latest(root: Path, repo: Path) -> str:
    """The id of the newest session of a repository. Raises SessionError."""
    found = headers(root, repo)
    if not found:
        raise SessionError("no session of this repository yet; `glmcode session list --all` shows the others")
    return found[0].id


def _open_locked(path: Path, flags: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SessionError(f"session {path.parent.name} is open in another glmcode; end that one first") from None
    return descriptor
