"""The tool protocol: one ability of the model, its arguments, and what it gives back."""

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from glmcode_sandbox.base import Sandbox


class Arguments(BaseModel):
    """Base of every tool's arguments; unknown ones are an error that the model is told about."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _writable(text: str) -> str:
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("it holds a NUL or a lone surrogate character")
    return text


Text = Annotated[str, AfterValidator(_writable)]
"""Text that a file or a command line can hold."""
PathText = Annotated[Text, Field(min_length=1, max_length=4096)]
"""A path as the model writes it: relative to the workspace, or absolute and inside it."""


class ToolOutput(BaseModel):
    """What a tool gives back: one text for the model, and what people see of it."""

    model_config = ConfigDict(frozen=True)

    text: str
    """What the model reads; already cleaned and clipped."""
    summary: str = ""
    """One line for people: `edited src/a.py (+2 -1)`."""
    is_error: bool = False
    details: dict[str, Any] | None = None
    """For screens and records: a diff, a test report, the todo list. JSON values only."""


@dataclass(slots=True)
class ToolContext:
    """What a tool may use. One per session; tools keep their own memory in `memory` under their name."""

    sandbox: Sandbox
    test_command: str | None = None
    command_timeout_s: float = 120.0
    memory: dict[str, Any] = field(default_factory=dict)
    on_output: Callable[[str], None] | None = None
    """Called with cleaned pieces of a running command's output; set by whoever runs the tool."""


class Tool(Protocol):
    """One ability. Instances hold no state."""

    name: ClassVar[str]
    arguments: ClassVar[type[Arguments]]
    effect: ClassVar[Literal["reads", "writes", "executes"]]
    """reads: changes nothing. writes: changes files it names. executes: runs commands."""

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutput:
        """Do it. A mistake of the model is an output with `is_error`; SandboxError passes through."""
        ...

    def paths(self, arguments: Any) -> Sequence[str]:
        """The workspace paths that this call would write, as the model wrote them, for the policy; empty where it
        names none."""
        ...

    def title(self, arguments: Any) -> str:
        """The call in a few words for people: `edit src/a.py`. Not cleaned yet."""
        ...


def failed(text: str, summary: str = "") -> ToolOutput:
    """An error that the model can act on."""
    return ToolOutput(text=text, summary=summary or text.split("\n", 1)[0], is_error=True)


def relative_path(path: str, workdir: str) -> str:
    """`path` as shown to people and models: relative to the workspace where it lies in it."""
    clean = posixpath.normpath(path)
    root = posixpath.normpath(workdir)
    if clean == root:
        return "."
    return clean.removeprefix(root.rstrip("/") + "/")
