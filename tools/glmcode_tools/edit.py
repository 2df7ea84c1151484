"""The `edit` tool: one exact piece of a file replaced by another."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from glmcode_sandbox.base import FileProblem
from glmcode_sandbox.clean import clean_text
from glmcode_tools.base import Arguments, PathText, Text, ToolContext, ToolOutput, failed, relative_path
from glmcode_tools.filetext import MAX_FILE_BYTES, decode_file, display_name, lines_of, unified_diff
from glmcode_tools.match import MAX_PLACES, Found, Match, find
from glmcode_tools.nearest import nearest_region
from glmcode_tools.output import binary_kind, clip_lines

DIFF_CHARS = 20_000
MAX_NAMED_LINES = 10


class EditArguments(Arguments):
    path: PathText
    old: Text
    new: Text
    replace_all: bool = False


class EditTool:
    """Replaces text that occurs once (or everywhere, when asked); encoding, line endings and the rest stay."""

    name: ClassVar[str] = "edit"
    arguments: ClassVar[type[Arguments]] = EditArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "writes"

    async def run(self, arguments: EditArguments, context: ToolContext) -> ToolOutput:
        name = display_name(relative_path(arguments.path, context.sandbox.workdir))
        if not arguments.old.strip():
            return failed("`old` is empty or blank. Give the text to replace; use write to create a file.")
        try:
            data = await context.sandbox.read_file(arguments.path, max_bytes=MAX_FILE_BYTES)
            file = decode_file(data)
            if file is None:
                return failed(f"{name} is not text: {binary_kind(data)}, {len(data):,} bytes. Nothing was changed.")
            found = find(file.text, arguments.old, arguments.new, file.newline)
            if refusal := _refuse(found, file.text, arguments, name):
                return refusal
            text = replace(file.text, found.matches)
            if text == file.text:
                return failed(f"`old` and `new` are the same once line endings are kept. {name} was not changed.")
            try:
                encoded = file.encode(text)
            except UnicodeEncodeError as error:
                return failed(f"{name} is {file.encoding} and cannot hold {text[error.start]!r}. Nothing was changed.")
            await context.sandbox.write_file(arguments.path, encoded)
        except FileProblem as problem:
            return failed(clean_text(str(problem)))
        return _report(name, file.text, text, found)

    def paths(self, arguments: EditArguments) -> Sequence[str]:
        return (arguments.path,)

    def title(self, arguments: EditArguments) -> str:
        return f"edit {arguments.path}"


def replace(text: str, matches: Sequence[Match]) -> str:
    """`text` with each of `matches` replaced, from the first on; one that overlaps an earlier one is left out."""
    pieces: list[str] = []
    done = 0
    for match in matches:
        if match.start >= done:
            pieces += [text[done : match.start], match.replacement]
            done = match.end
    return "".join(pieces) + text[done:]


def _refuse(found: Found, text: str, arguments: EditArguments, name: str) -> ToolOutput | None:
    match len(found.matches):
        case 0:
            region = nearest_region(text, arguments.old)
            hint = f"The most similar lines are:\n{region}" if region else "Nothing in it is similar; read it first."
            return failed(f"`old` does not occur in {name}. Nothing was changed. {hint}", f"no match in {name}")
        case 1:
            return None
        case count if count >= MAX_PLACES:
            return failed(f"`old` occurs at least {count:,} times in {name}. Nothing was changed. Give a longer text.")
        case count if not arguments.replace_all:
            numbers = [str(text.count("\n", 0, match.start) + 1) for match in found.matches[:MAX_NAMED_LINES]]
            more = ", ..." if count > MAX_NAMED_LINES else ""
            return failed(
                f"`old` occurs {count} times in {name} (lines {', '.join(numbers)}{more}). Nothing was changed. "
                "Add surrounding lines until it is unique, or set replace_all.",
                f"{count} matches in {name}",
            )
        case _:
            return None


def _report(name: str, before: str, after: str, found: Found) -> ToolOutput:
    diff, added, removed = unified_diff(lines_of(before), lines_of(after), name)
    line = before.count("\n", 0, found.matches[0].start) + 1
    where = f"at line {line}" if len(found.matches) == 1 else f"in {len(found.matches)} places"
    how = "" if found.how == "exact" else f" (matched apart from {found.how})"
    return ToolOutput(
        text=f"Edited {name} {where}{how}: +{added} -{removed}.",
        summary=f"edited {name} (+{added} -{removed})",
        details={
            "path": name,
            "line": line,
            "matched": found.how,
            "added": added,
            "removed": removed,
            "diff": clip_lines(diff, DIFF_CHARS),
        },
    )
