"""What the model may do without being asked for: the policy, and the question when a call wants to leave it."""

import posixpath
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

ApprovalMode = Literal["plan", "ask", "auto", "deny"]
Effect = Literal["reads", "writes", "executes"]


@dataclass(frozen=True, slots=True)
class Question:
    """A call that wants to leave the policy."""

    call_id: str
    title: str
    """What would be done: `edit .vscode/tasks.json`."""
    effect: str
    """Why this needs an answer."""
    paths: tuple[str, ...] = ()
    """The protected files it writes, relative to the workspace: what an answer for always covers."""
    diff: str = ""
    """What becomes of those files, cleaned; empty where it is not known."""
    is_done: bool = False
    """Whether it happened already: allowing keeps it, refusing takes it back."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `reason` is told to the model when it is a refusal."""

    allowed: bool
    reason: str = ""
    always: bool = False
    """Whether further calls that write the same files need no question in this session."""


Ask = Callable[[Question], Awaitable[Decision]]
"""Resolves a question: by a widget, or by nobody. Raises NobodyToAsk where no one can answer."""


class NobodyToAsk(Exception):
    """A permission was needed that nobody could give."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Judges calls by their effect and the paths they write.

    Inside the sandbox everything is allowed; what leaves the policy is a write to files that the user's own
    tools execute or obey later (hooks, editor tasks, CI workflows, this program's own configuration).
    """

    mode: ApprovalMode
    protected: Callable[[Sequence[str]], list[str]]
    """Which of these paths, relative to the workspace, need asking for."""
    workdir: str
    """The workspace's absolute path as the model knows it."""
    granted: set[str] = field(default_factory=set)
    """Protected files that the user allowed for always."""

    def judge(self, call_id: str, title: str, effect: Effect, paths: Sequence[str]) -> Decision | Question:
        """A decision, or the question that must be asked first."""
        if self.mode == "plan" and effect != "reads":
            return Decision(False, "plan mode is read-only: describe the change instead of making it")
        leaving = [
            path for path in self.protected([self._relative(path) for path in paths]) if path not in self.granted
        ]
        if not leaving:
            return Decision(True)
        if any(_inside_git(path) for path in leaving):
            return Decision(False, "the .git folder is read-only here; the user makes the commits")
        effect_text = f"writes {', '.join(leaving)}, which tools outside the sandbox run or obey"
        match self.mode:
            case "auto":
                return Decision(True)
            case "deny" | "plan":
                return Decision(False, f"not allowed in this run: it {effect_text}. Go on without it.")
            case "ask":
                return Question(call_id, title, effect_text, tuple(leaving))

    def _relative(self, path: str) -> str:
        """However the model spells it: absolute, with `./` or with detours through `..`."""
        return posixpath.relpath(posixpath.join(self.workdir, path), self.workdir)


def _inside_git(path: str) -> bool:
    return ".git" in path.lower().split("/")


async def nobody(question: Question) -> Decision:
    """The `Ask` of a run without a terminal."""
    raise NobodyToAsk(
        f"{question.title}: permission needed ({question.effect}) and nobody can give it here; "
        "use --approval auto to allow such calls or --approval deny to refuse them"
    )
