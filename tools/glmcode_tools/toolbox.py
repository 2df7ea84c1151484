"""All tools in one place: what the model is told about them, and how a call of the model becomes a result."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from glmcode_prompts.library import load
from glmcode_sandbox.base import FileProblem
from glmcode_sandbox.clean import clean_text
from glmcode_sandbox.clean import one_line as on_one_line
from glmcode_tools.base import Arguments, Tool, ToolContext, ToolOutput, failed
from glmcode_tools.edit import EditTool
from glmcode_tools.glob import GlobTool
from glmcode_tools.grep import GrepTool
from glmcode_tools.job import JobTool
from glmcode_tools.read import ReadTool
from glmcode_tools.run_tests import RunTestsTool
from glmcode_tools.schema import coerce, compact_schema
from glmcode_tools.shell import ShellTool
from glmcode_tools.todo import TodoTool
from glmcode_tools.write import WriteTool

TITLE_COLUMNS = 100
ECHO_CHARS = 300
"""How much of unusable arguments the model is shown again."""


class ToolDescription(BaseModel):
    """A tool as the model is told about it."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON schema of the arguments object."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that was looked up and validated; not run yet."""

    tool: Tool
    arguments: Arguments

    @property
    def paths(self) -> Sequence[str]:
        """What it would write, as the model wrote it."""
        return self.tool.paths(self.arguments)


def default_tools() -> tuple[Tool, ...]:
    """Every tool, in the order the model sees them. The order is part of the prompt: do not change it lightly."""
    files = (ReadTool(), GlobTool(), GrepTool(), EditTool(), WriteTool())
    return (*files, ShellTool(), JobTool(), RunTestsTool(), TodoTool())


class Toolbox:
    """The tools of a session. Holds no state of its own."""

    def __init__(self, tools: Sequence[Tool] | None = None) -> None:
        chosen = default_tools() if tools is None else tools
        self._tools = {tool.name: tool for tool in chosen}
        self.descriptions = tuple(
            ToolDescription(
                name=tool.name, description=load(f"tools/{tool.name}"), parameters=compact_schema(tool.arguments)
            )
            for tool in chosen
        )
        self._schemas = {description.name: description.parameters for description in self.descriptions}

    def prepare(self, name: str, arguments_json: str) -> Prepared | ToolOutput:
        """Look up and validate a call as the model wrote it; a mistake becomes an output that says how to do better."""
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(self._tools)
            return failed(f"There is no tool {_echo(name, 60)}. The tools are: {known}.")
        try:
            values = json.loads(arguments_json, object_pairs_hook=_each_once) if arguments_json.strip() else {}
        except (ValueError, RecursionError) as error:
            return failed(self._wrong(name, f"they are not JSON ({error})", arguments_json))
        if not isinstance(values, dict):
            return failed(self._wrong(name, "they are not a JSON object", arguments_json))
        try:
            return Prepared(tool, tool.arguments.model_validate(coerce(values, self._schemas[name])))
        except ValidationError as error:
            return failed(self._wrong(name, _problems(error), arguments_json))

    async def run(self, prepared: Prepared, context: ToolContext) -> ToolOutput:
        """Run a prepared call. SandboxError passes through."""
        try:
            return await prepared.tool.run(prepared.arguments, context)
        except FileProblem as problem:
            return failed(clean_text(str(problem)))

    def one_line(self, prepared: Prepared) -> str:
        """The call as a title for people, safe to show: `edit src/a.py`."""
        return on_one_line(prepared.tool.title(prepared.arguments), TITLE_COLUMNS)

    def _wrong(self, name: str, problem: str, arguments_json: str) -> str:
        schema = self._schemas[name]
        wanted = ", ".join(
            f"{key} ({part.get('type', 'any')}{'' if key in schema.get('required', ()) else ', optional'})"
            for key, part in schema["properties"].items()
        )
        return (
            f"The arguments of {name} cannot be used: {problem}.\n"
            f"Wanted is one JSON object with: {wanted}.\nWhat arrived: {_echo(arguments_json, ECHO_CHARS)}"
        )


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these pairs. Raises ValueError where one key has two values: nobody knows which was meant."""
    values = dict(pairs)
    for key, value in pairs:
        if value != values[key]:
            raise ValueError(f"the key {_echo(key, 60)} comes twice")
    return values


def _problems(error: ValidationError) -> str:
    problems: list[str] = []
    for item in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        where = ".".join(str(part) for part in item["loc"]) or "arguments"
        match item["type"]:
            case "missing":
                problems.append(f"`{where}` is missing")
            case "extra_forbidden":
                problems.append(f"`{_echo(where, 60)}` is not one of its arguments")
            case _:
                problems.append(f"`{_echo(where, 60)}`: {item['msg']}")
    return "; ".join(problems)


def _echo(text: str, limit: int) -> str:
    clean = clean_text(text)
    return clean if len(clean) <= limit else f"{clean[:limit]} [... {len(clean) - limit:,} more characters]"
