"""The `glob` tool: files whose path matches a pattern."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from glmcode_tools.base import Arguments, PathText, ToolContext, ToolOutput, failed
from glmcode_tools.filetext import display_name
from glmcode_tools.globbing import PathPattern
from glmcode_tools.place import inside_script, place_problem

MAX_PATHS = 200
LIST_BYTES = 16 * 1024 * 1024
TIMEOUT_S = 60.0

_GIT = "git -c core.fsmonitor=false -c core.quotePath=false ls-files -z"
# Deleted files are still in the index; they follow an empty name and are taken out again.
_GIT_LIST = f"""{_GIT} -co --exclude-standard -- "$r" 2>/dev/null && printf '\\0' && {_GIT} -d -- "$r" 2>/dev/null"""
_FIND_LIST = """find "$r" -name .git -prune -o ! -type d -print0 2>/dev/null"""


class GlobArguments(Arguments):
    pattern: PathText
    path: PathText = "."


class GlobTool:
    """Lists files by pattern: those git knows or would add; ignored ones only where nothing else matches."""

    name: ClassVar[str] = "glob"
    arguments: ClassVar[type[Arguments]] = GlobArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "reads"

    async def run(self, arguments: GlobArguments, context: ToolContext) -> ToolOutput:
        try:
            pattern = PathPattern(arguments.pattern.removeprefix(context.sandbox.workdir.rstrip("/") + "/"))
        except ValueError as error:
            return failed(f"Bad pattern {arguments.pattern!r}: {error}.")
        for listing in (_GIT_LIST, _FIND_LIST):
            result = await context.sandbox.exec(
                inside_script(arguments.path, listing), timeout_s=TIMEOUT_S, keep_bytes=LIST_BYTES
            )
            if problem := place_problem(result.exit_code, arguments.path):
                return problem
            if result.exit_code and listing == _GIT_LIST:
                continue
            whole = result.head_bytes is None and not result.timed_out
            paths = _matching(result.output[: result.head_bytes], pattern, arguments.path)
            if paths:
                return _report(paths, whole, "" if listing == _GIT_LIST else "ignored by git or outside it: ")
        return ToolOutput(text=f"No file matches {arguments.pattern!r}.", summary="no files")

    def paths(self, arguments: GlobArguments) -> Sequence[str]:
        return ()

    def title(self, arguments: GlobArguments) -> str:
        return f"glob {arguments.pattern}" + (f" in {arguments.path}" if arguments.path != "." else "")


def _matching(output: bytes, pattern: PathPattern, folder: str) -> list[str]:
    """Paths that match, sorted; a pattern may be meant from the workspace or from `folder`."""
    listed, _, deleted = output.partition(b"\0\0")
    gone = set(deleted.split(b"\0"))
    kept = (name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name and name not in gone)
    names = {name.removeprefix("./") for name in kept}
    start = folder.strip("/").removeprefix("./") + "/"
    return sorted(n for n in names if pattern.matches(n) or pattern.matches(n.removeprefix(start)))


def _report(paths: list[str], whole: bool, where: str) -> ToolOutput:
    text = where + ("\n" if where else "") + "\n".join(display_name(path) for path in paths[:MAX_PATHS])
    if len(paths) > MAX_PATHS:
        text += f"\n[{MAX_PATHS} of {len(paths)} files; narrow the pattern or give a path]"
    if not whole:
        text += "\n[the list of files was cut short; give a path]"
    return ToolOutput(text=text, summary=f"{len(paths)} files", details={"count": len(paths)})
