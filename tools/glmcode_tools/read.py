"""The `read` tool: numbered lines of a text file, or the names in a folder."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glmcode_sandbox.base import FileProblem
from glmcode_sandbox.clean import clean_text
from glmcode_tools.base import Arguments, PathText, ToolContext, ToolOutput, failed, relative_path
from glmcode_tools.filetext import MAX_FILE_BYTES, FileText, decode_file, display_name, visible
from glmcode_tools.output import LINE_CHARS, binary_kind
from glmcode_tools.place import inside_script, place_problem

DEFAULT_LINES = 2000
MAX_CHARS = 50_000
MAX_NAMES = 500


class ReadArguments(Arguments):
    path: PathText
    offset: Annotated[int, Field(ge=1)] = 1
    """First line, counted from 1."""
    limit: Annotated[int, Field(ge=1)] = DEFAULT_LINES
    """How many lines."""


class ReadTool:
    """Reads a file or lists a folder; always says when there is more."""

    name: ClassVar[str] = "read"
    arguments: ClassVar[type[Arguments]] = ReadArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "reads"

    async def run(self, arguments: ReadArguments, context: ToolContext) -> ToolOutput:
        name = display_name(relative_path(arguments.path, context.sandbox.workdir))
        try:
            data = await context.sandbox.read_file(arguments.path, max_bytes=MAX_FILE_BYTES)
        except FileProblem as problem:
            match problem.reason:
                case "is_directory":
                    return await _list_folder(arguments.path, name, context)
                case "too_large":
                    hint = "Search it with grep, or read a part with shell: sed -n '1,200p' FILE"
                    return failed(f"{clean_text(str(problem))}\n{hint}")
                case _:
                    return failed(clean_text(str(problem)))
        file = decode_file(data)
        if file is None:
            return failed(f"{name} is not text: {binary_kind(data)}, {len(data):,} bytes.")
        return _numbered(file, name, arguments)

    def paths(self, arguments: ReadArguments) -> Sequence[str]:
        return ()

    def title(self, arguments: ReadArguments) -> str:
        part = f":{arguments.offset}" if arguments.offset > 1 else ""
        return f"read {arguments.path}{part}"


def _numbered(file: FileText, name: str, arguments: ReadArguments) -> ToolOutput:
    lines = file.text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return ToolOutput(text=f"{name} is empty.", summary=f"read {name} (empty)")
    if arguments.offset > len(lines):
        return failed(f"{name} has only {len(lines)} lines; offset {arguments.offset} is past its end.")
    shown: list[str] = []
    room = MAX_CHARS
    odd = False
    for number, raw in enumerate(lines[arguments.offset - 1 :][: arguments.limit], arguments.offset):
        line = _show(raw)
        room -= len(line) + 7
        if room < 0 and shown:
            break
        odd = odd or ("<U+" in line and line != raw.removesuffix("\r"))
        shown.append(f"{number:>6}\t{line}")
    last = arguments.offset + len(shown) - 1
    notes = _notes(file, odd)
    if last < len(lines):
        notes.append(f"lines {arguments.offset}-{last} of {len(lines)}; go on with offset={last + 1}")
    footer = f"\n[{'; '.join(notes)}]" if notes else ""
    return ToolOutput(
        text="\n".join(shown) + footer,
        summary=f"read {name} ({len(shown)} lines)",
        details={"path": name, "first": arguments.offset, "last": last, "lines": len(lines)},
    )


def _show(raw: str) -> str:
    line = raw.removesuffix("\r")
    if len(line) > LINE_CHARS:
        return f"{visible(line[:LINE_CHARS])} [... {len(line) - LINE_CHARS:,} more characters in this line]"
    return visible(line)


def _notes(file: FileText, odd: bool) -> list[str]:
    notes: list[str] = []
    if file.encoding != "utf-8":
        notes.append(f"encoding {file.encoding}")
    if file.newline == "\r\n":
        notes.append("CRLF line endings")
    if odd:
        notes.append("<U+...> stands for an invisible or control character")
    return notes


async def _list_folder(path: str, name: str, context: ToolContext) -> ToolOutput:
    script = inside_script(path, f'ls -1Ap "$t" | head -n {MAX_NAMES + 1}')
    result = await context.sandbox.exec(script)
    if problem := place_problem(result.exit_code, path):
        return problem
    names = result.output.decode("utf-8", "surrogateescape").splitlines()
    text = "\n".join(display_name(entry) for entry in names[:MAX_NAMES]) or "(empty folder)"
    if len(names) > MAX_NAMES:
        text += f"\n[more than {MAX_NAMES} entries; narrow it with glob]"
    return ToolOutput(text=f"{name}/ is a folder:\n{text}", summary=f"listed {name}/ ({min(len(names), MAX_NAMES)})")
