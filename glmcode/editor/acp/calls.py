"""Tool calls as editors show them: what kind they are, which files they touch, what they gave."""

import json
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acp.schema import (
    AgentPlanUpdate,
    ContentToolCallContent,
    FileEditToolCallContent,
    PlanEntry,
    PlanEntryStatus,
    TerminalToolCallContent,
    ToolCallLocation,
    ToolKind,
)

from glmcode.editor.acp.diffs import pair, pairs
from glmcode.editor.acp.texts import content, harmless, output
from glmcode.events import ToolFinished
from glmcode_sandbox.clean import one_line

Content = ContentToolCallContent | FileEditToolCallContent | TerminalToolCallContent
MAX_PREVIEW_CHARS = 50_000
"""A longer text of a call is not shown before the call ran."""
_KINDS: Mapping[str, ToolKind] = {
    "read": "read",
    "glob": "search",
    "grep": "search",
    "edit": "edit",
    "write": "edit",
    "shell": "execute",
    "job": "execute",
    "run_tests": "execute",
    "todo": "think",
}
_STATUS: Mapping[str, PlanEntryStatus] = {"pending": "pending", "in_progress": "in_progress", "done": "completed"}


def kind_of(name: str) -> ToolKind:
    """What sort of thing a tool does, for the editor's icon."""
    return _KINDS.get(name, "other")


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the model wrote it."""

    name: str
    arguments: Mapping[str, Any]
    repo: Path
    """The top folder; the sandbox knows it by the same path."""

    @classmethod
    def parsed(cls, name: str, arguments: str, repo: Path) -> "Call":
        """`arguments` is JSON text, malformed or not."""
        try:
            values = json.loads(arguments)
        except (ValueError, RecursionError):
            values = None
        return cls(name, values if isinstance(values, dict) else {}, repo)

    @property
    def path(self) -> str | None:
        """The file it names, absolute; None where it names none in the repository."""
        named = self.arguments.get("path")
        if not isinstance(named, str) or not named or "\0" in named:
            return None
        whole = posixpath.normpath(posixpath.join(str(self.repo), named))
        return whole if Path(whole).is_relative_to(self.repo) else None

    @property
    def raw(self) -> dict[str, Any]:
        """The arguments, but for long texts."""
        return {key: value for key, value in self.arguments.items() if len(str(value)) <= MAX_PREVIEW_CHARS}

    def locations(self, details: Mapping[str, Any] | None = None) -> list[ToolCallLocation]:
        """Where the editor may look while it runs."""
        path = self.path
        if path is None:
            return []
        line = (details or {}).get("line", self.arguments.get("offset"))
        return [ToolCallLocation(path=path, line=line if isinstance(line, int) and line > 0 else None)]

    def preview(self) -> list[Content]:
        """What it is about to do, where that can be told."""
        path, old, new = self.path, self.arguments.get("old"), self.arguments.get("new")
        text = self.arguments.get("content")
        match self.name:
            case "edit" if path and isinstance(old, str) and isinstance(new, str):
                return [pair(path, old, new)] if len(old) + len(new) <= MAX_PREVIEW_CHARS else []
            case "write" if path and isinstance(text, str) and len(text) <= MAX_PREVIEW_CHARS:
                return [pair(path, None, text)]
            case "shell" if isinstance(command := self.arguments.get("command"), str):
                clipped = "\n[clipped]" if len(command) > MAX_PREVIEW_CHARS else ""
                return [output(f"$ {command[:MAX_PREVIEW_CHARS]}{clipped}")]
        return []

    def results(self, event: ToolFinished) -> list[Content]:
        """What came of it: diffs of what changed, else what the model was shown."""
        details = event.details or {}
        diff = details.get("diff")
        if self.path and not event.is_error and isinstance(diff, str) and diff:
            return [*pairs(diff, self.path, created=bool(details.get("created")))]
        if event.is_error and event.name in ("edit", "write"):
            return [content(event.text)]
        return [output(event.text)] if event.text.strip() else [content(event.summary)]


def plan_of(items: Sequence[Mapping[str, Any]]) -> AgentPlanUpdate:
    """The model's todo list. It knows no priorities, and the protocol wants one."""
    entries = [
        PlanEntry(
            content=harmless(one_line(str(item.get("content", "")), 200)),
            priority="medium",
            status=_STATUS.get(str(item.get("status")), "pending"),
        )
        for item in items
    ]
    return AgentPlanUpdate(session_update="plan", entries=entries)
