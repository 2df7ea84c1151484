"""The tasks that VS Code is given: what each runs and how its panel behaves.

Source of the names: https://code.visualstudio.com/docs/reference/tasks-appendix and .../variables-reference.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from glmcode.editor.problem_lines import BEGINS, ENDS, PATTERN
from glmcode_prompts.library import load

KEPT = "(kept by glmcode vscode init)"
"""Ends the `detail` of every task of ours. A task without it is the user's, whatever its label."""
LABEL = "glmcode: "
PROGRAM = "glmcode"

Panel = Literal["run", "text", "session", "engine"]
"""run: its problems are read. text: to be read. session: typed into. engine: goes on in the background."""

_LOCATED = {"GLMCODE_FILE": "${relativeFile}:${lineNumber}", "GLMCODE_SELECTION": "${selectedText}"}
"""By the environment: a selection holds quotes and line ends, which no command line carries safely everywhere."""
_HEADLESS = ("--output", "vscode")


@dataclass(frozen=True, slots=True)
class Task:
    """One task. Its arguments may hold VS Code's variables."""

    id: str
    title: str
    detail: str
    args: tuple[str, ...]
    panel: Panel
    env: dict[str, str] = field(default_factory=dict)
    group: str | None = None
    again: bool = True
    """Whether inputs and variables are asked for again when the task is run once more."""

    @property
    def label(self) -> str:
        return LABEL + self.title


@dataclass(frozen=True, slots=True)
class Input:
    """Something that VS Code asks for before a task starts."""

    id: str
    description: str
    options: tuple[tuple[str, str], ...] = ()
    """What is shown and what it stands for; none: free text."""
    default: str = ""

    def as_json(self) -> dict[str, Any]:
        """As `inputs` of tasks.json hold it."""
        if not self.options:
            return {"id": self.id, "type": "promptString", "description": self.description}
        options = [{"label": label, "value": value} for label, value in self.options]
        return {
            "id": self.id, "type": "pickString", "description": self.description, "options": options,
            "default": self.default,
        }  # fmt: skip


INPUTS = (
    Input("glmcode.issue", "The issue: owner/repo#N, its address, a file, or text:..."),
    Input("glmcode.task", "What is to be done? The context for it is shown, and nothing is sent."),
    Input(
        "glmcode.approval",
        "glmcode: what happens when a call wants to leave the policy",
        (("refuse it", "deny"), ("allow it", "auto"), ("reading only", "plan")),
        "deny",
    ),
    Input(
        "glmcode.thinking",
        "glmcode: does the model think before it answers?",
        (("as it needs", "auto"), ("always", "on"), ("never", "off")),
        "auto",
    ),
)


def tasks() -> tuple[Task, ...]:
    """All tasks, in the order in which they are written."""
    fix, read_only = ("fix", *_HEADLESS), ("run", *_HEADLESS, "--apply", "never")
    asked = ("--approval", "${input:glmcode.approval}", "--thinking", "${input:glmcode.thinking}")
    return (
        Task("fix-tests", "Fix failing tests", "Makes the failing tests pass and proves it",
             (*fix, _text("fix_tests")), "run", group="test"),
        Task("fix-file", "Fix this file", "Fixes what is wrong with the file in the editor and proves it",
             (*fix, _text("fix_file")), "run", {"GLMCODE_FILE": "${relativeFile}"}),
        Task("fix-selection", "Fix selection", "Fixes what is wrong with the selected code and proves it",
             (*fix, _text("fix_selection")), "run", _LOCATED),
        Task("explain-selection", "Explain selection", "Explains the selected code and changes nothing",
             ("run", "--approval", "plan", "--apply", "never", load("editor/explain_selection")), "text", _LOCATED),
        Task("fix-issue", "Fix issue...", "Fixes an issue of GitHub, of a file, or as you type it, and proves it",
             (*fix, *asked, "--", "${input:glmcode.issue}"), "run", again=False),
        Task("review", "Review my changes", "Looks for mistakes in what is not committed and changes nothing",
             (*read_only, load("editor/review")), "run"),
        Task("pack", "Pack preview", "Shows what of the repository the model would be sent for a task",
             ("pack", "--format", "text", "--task=${input:glmcode.task}"), "text", again=False),
        Task("session", "Open session", "A conversation in a terminal of its own", (), "session"),
        Task("engine-start", "Engine start", "Runs GLM on this machine's GPUs until the task is ended",
             ("engine", "serve"), "engine"),
        Task("engine-stop", "Engine stop", "Ends the engine on this machine", ("engine", "stop"), "text"),
        Task("engine-status", "Engine status", "Says how the engine on this machine is", ("engine", "status"), "text"),
    )  # fmt: skip


def _text(name: str) -> str:
    return f"text:{load(f'editor/{name}')}"


def as_json(task: Task) -> dict[str, Any]:
    """A task as tasks.json holds it. Of type `process`: no shell reads its words."""
    made: dict[str, Any] = {
        "label": task.label,
        "detail": f"{task.detail} {KEPT}",
        "type": "process",
        "command": PROGRAM,
        "args": list(task.args),
    }
    if task.env:
        made["options"] = {"env": dict(task.env)}
    if task.group:
        made["group"] = task.group
    if task.panel == "engine":
        made["isBackground"] = True
    made["problemMatcher"] = matcher_of(task.panel)
    made["presentation"] = _presentation(task.panel)
    made["runOptions"] = _run_options(task)
    return made


def _presentation(panel: Panel) -> dict[str, Any]:
    shared = {"reveal": "always", "panel": "dedicated", "showReuseMessage": False, "clear": True}
    match panel:
        case "run":
            return {**shared, "echo": False, "revealProblems": "onProblem"}
        case "session":
            return {**shared, "echo": False, "focus": True}
        case "text" | "engine":
            return {**shared, "echo": False}


def _run_options(task: Task) -> dict[str, Any]:
    options: dict[str, Any] = {"instanceLimit": 1}
    if task.panel == "run":
        options["instancePolicy"] = "warn"  # a second run on the same files would only be in the way of the first
    if not task.again:
        options["reevaluateOnRerun"] = False
    return options


def matcher_of(panel: Panel) -> dict[str, Any] | list[Any]:
    """How VS Code reads a panel's lines; an empty list where there is nothing to read."""
    pattern = {"regexp": PATTERN, "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5}
    shared = {"source": "glmcode", "fileLocation": ["relative", "${workspaceFolder}"], "pattern": pattern}
    match panel:
        case "run":
            background = {"activeOnStart": False, "beginsPattern": BEGINS, "endsPattern": ENDS}
            return {"owner": "glmcode", **shared, "background": background}
        case "engine":
            background = {"activeOnStart": True, "beginsPattern": ENGINE_BEGINS, "endsPattern": ENGINE_ENDS}
            return {"owner": "glmcode-engine", **shared, "background": background}
        case "text" | "session":
            return []


ENGINE_BEGINS = r"^glmcode: engine: (?!ready\b)"
ENGINE_ENDS = r"^glmcode: engine(: ready\b| \S+ (runs already|stopped)\b)"
