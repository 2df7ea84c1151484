"""The tool protocol: one ability of the model, its arguments, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from glmcode_sandbox.base import Sandbox


class Arguments(BaseModel):
    """Base of every tool's arguments; unknown ones are an error that the model is told about."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
        """The workspace paths that this call would write, for the policy; empty where it names none."""
        ...
