"""The `todo` tool: the model's plan, for itself and for people to watch."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from glmcode_sandbox.clean import one_line
from glmcode_tools.base import Arguments, Text, ToolContext, ToolOutput

ITEM_COLUMNS = 200


class TodoItem(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    content: Annotated[Text, Field(min_length=1)]
    status: Literal["pending", "in_progress", "done"] = "pending"


class TodoArguments(Arguments):
    items: Annotated[tuple[TodoItem, ...], Field(max_length=50)]


class TodoTool:
    """Replaces the list; it is kept in the session's memory under `todo`."""

    name: ClassVar[str] = "todo"
    arguments: ClassVar[type[Arguments]] = TodoArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "reads"

    async def run(self, arguments: TodoArguments, context: ToolContext) -> ToolOutput:
        items = [{"content": one_line(i.content, ITEM_COLUMNS), "status": i.status} for i in arguments.items]
        context.memory[self.name] = items
        counts = Counter(item.status for item in arguments.items)
        line = f"{counts['done']} done, {counts['in_progress']} in progress, {counts['pending']} pending"
        return ToolOutput(text=f"List kept: {line}.", summary=f"todo: {line}", details={"items": items})

    def paths(self, arguments: TodoArguments) -> Sequence[str]:
        return ()

    def title(self, arguments: TodoArguments) -> str:
        return f"todo ({len(arguments.items)} items)"
