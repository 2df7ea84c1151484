"""The `write` tool: a whole new content for one file."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from glmcode_sandbox.base import FileProblem
from glmcode_sandbox.clean import clean_text
from glmcode_tools.base import Arguments, PathText, Text, ToolContext, ToolOutput, failed, relative_path
from glmcode_tools.filetext import MAX_FILE_BYTES, FileText, decode_file, display_name, lines_of, unified_diff
from glmcode_tools.output import clip_lines

DIFF_CHARS = 20_000


class WriteArguments(Arguments):
    path: PathText
    content: Text


class WriteTool:
    """Creates or replaces a file. A replaced one keeps its encoding, byte order mark and line endings."""

    name: ClassVar[str] = "write"
    arguments: ClassVar[type[Arguments]] = WriteArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "writes"

    async def run(self, arguments: WriteArguments, context: ToolContext) -> ToolOutput:
        name = display_name(relative_path(arguments.path, context.sandbox.workdir))
        try:
            before = await _before(arguments.path, context)
            file = (decode_file(before) if before else None) or FileText("")
            content, kept = _as_before(arguments.content, file)
            try:
                data = file.encode(content)
            except UnicodeEncodeError as error:
                return failed(
                    f"{name} is {file.encoding} and cannot hold {content[error.start]!r}. Nothing was written."
                )
            if data == before:
                return ToolOutput(text=f"{name} already has exactly this content.", summary=f"unchanged {name}")
            await context.sandbox.write_file(arguments.path, data)
        except FileProblem as problem:
            return failed(clean_text(str(problem)))
        return _report(name, before, file, content, kept)

    def paths(self, arguments: WriteArguments) -> Sequence[str]:
        return (arguments.path,)

    def title(self, arguments: WriteArguments) -> str:
        return f"write {arguments.path}"


async def _before(path: str, context: ToolContext) -> bytes | None:
    try:
        return await context.sandbox.read_file(path, max_bytes=MAX_FILE_BYTES)
    except FileProblem as problem:
        if problem.reason == "missing":
            return None
        if problem.reason == "too_large":
            return b""
        raise


def _as_before(content: str, file: FileText) -> tuple[str, str]:
    """`content` with the line endings of the file it replaces, and a word about what was kept."""
    kept = [] if file.encoding == "utf-8" else [f"encoding {file.encoding}"]
    if file.newline == "\r\n" and "\r" not in content:
        content = content.replace("\n", "\r\n")
        kept.append("CRLF line endings")
    return content, f" Kept its {' and '.join(kept)}." if kept else ""


def _report(name: str, before: bytes | None, file: FileText, content: str, kept: str) -> ToolOutput:
    old, new = lines_of(file.text), lines_of(content)
    diff, added, removed = unified_diff(old, new, name)
    details = {"path": name, "created": before is None, "added": added, "removed": removed}
    details["diff"] = clip_lines(diff, DIFF_CHARS)
    if before is None:
        return ToolOutput(
            text=f"Created {name} ({len(new)} lines).", summary=f"created {name} (+{added})", details=details
        )
    return ToolOutput(
        text=f"Replaced the {len(old)} lines of {name} with {len(new)} (+{added} -{removed}).{kept}",
        summary=f"replaced {name} (+{added} -{removed})",
        details=details,
    )
