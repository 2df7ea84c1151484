"""What a conversation consists of for the reader. Texts are as they came: whoever shows one cleans it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from glmcode.tui.transcript.growing import Growing, HeadAndTail

if TYPE_CHECKING:
    from glmcode.events import EndReason, Verdict

CallState = Literal["running", "ok", "error", "refused"]
Level = Literal["info", "warning", "error"]
TodoStatus = Literal["pending", "in_progress", "done"]
NoteKind = Literal[
    "plain", "scripted", "allowed", "refused", "guard", "cache_broken", "compacted", "repacked", "retry", "failure"
]  # fmt: skip
"""Which sentence says it: `note_KIND` in the interface's texts."""


@dataclass(slots=True)
class UserSaid:
    text: str


@dataclass(slots=True)
class Answer:
    """Markdown of the model."""

    body: Growing
    done: bool = False


@dataclass(slots=True)
class Thinking:
    body: Growing
    done: bool = False
    tokens: int | None = None
    """As the server counted them; None: estimate them."""
    began: float | None = None
    """On the reader's clock; None in a replayed session."""
    seconds: float | None = None


@dataclass(slots=True)
class Call:
    """One tool call, from its start to its result."""

    call_id: str
    name: str
    title: str
    state: CallState = "running"
    summary: str = ""
    live: HeadAndTail | None = None
    """What it has put out so far, while it runs."""
    text: str = ""
    """What the model was shown, when it is over."""
    details: dict[str, Any] | None = None
    """As the tool gave them: `diff`, test counts, ..."""
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class TodoItem:
    content: str
    status: TodoStatus


@dataclass(slots=True)
class Todo:
    items: tuple[TodoItem, ...]


@dataclass(frozen=True, slots=True)
class Seal:
    """What the harness itself verified about a change, with the numbers of tests behind it."""

    verdict: "Verdict"
    reason: str = ""
    """One sentence."""
    fixed: int = 0
    broken: int = 0
    passed: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """One line beside the conversation."""

    level: Level
    kind: NoteKind
    fields: tuple[tuple[str, str | int | float], ...] = ()
    """What fills the sentence of `kind`; for `plain` only `text`."""


@dataclass(frozen=True, slots=True)
class TurnEnd:
    reason: "EndReason"
    detail: str
    steps: int
    tokens: int
    """Prompt and completion tokens of all its requests."""
    cost_usd: float | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Void:
    """Where something stood that no longer counts: a restarted answer, an older todo list."""


Entry = UserSaid | Answer | Thinking | Call | Todo | Seal | Note | TurnEnd | Void
