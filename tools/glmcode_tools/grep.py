"""The `grep` tool: lines of the workspace that match a regular expression."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glmcode_sandbox.clean import clean_text
from glmcode_tools.base import Arguments, PathText, Text, ToolContext, ToolOutput, failed
from glmcode_tools.filetext import display_name, visible
from glmcode_tools.place import inside_script, place_problem

MAX_MATCHES = 150
MAX_CHARS = 16_000
LINE_CHARS = 300
KEEP_BYTES = 2 * 1024 * 1024
TIMEOUT_S = 60.0
REFUSED_EXIT = 95

_LINE = re.compile(rb"(?s)([^\0]*)\0(\d+)([:-])(.*)")
_PLAIN_LINE = re.compile(rb"(?s)(.+?)([:-])(\d+)\2(.*)")


class GrepArguments(Arguments):
    pattern: Annotated[Text, Field(min_length=1, max_length=4096)]
    path: PathText = "."
    glob: PathText | None = None
    ignore_case: bool = False
    context: Annotated[int, Field(ge=0, le=20)] = 0


class GrepTool:
    """Searches with ripgrep where the place has it, else with grep."""

    name: ClassVar[str] = "grep"
    arguments: ClassVar[type[Arguments]] = GrepArguments
    effect: ClassVar[Literal["reads", "writes", "executes"]] = "reads"

    async def run(self, arguments: GrepArguments, context: ToolContext) -> ToolOutput:
        result = await context.sandbox.exec(
            inside_script(arguments.path, search_script(arguments)), timeout_s=TIMEOUT_S, keep_bytes=KEEP_BYTES
        )
        if problem := place_problem(result.exit_code, arguments.path):
            return problem
        hits = parse_hits(result.output[: result.head_bytes])
        # Unreadable files also end a search so, but without a word.
        if result.exit_code == REFUSED_EXIT and not hits.matches and result.output.strip():
            return failed(f"The search failed:\n{clean_text(result.output[:2000]).strip()}")
        if not hits.matches and result.timed_out:
            return failed(f"The search took longer than {TIMEOUT_S:.0f} s; give a path or a glob.")
        if not hits.matches:
            return ToolOutput(text="No matches.", summary="no matches")
        return _report(hits, whole=result.head_bytes is None and not result.timed_out)

    def paths(self, arguments: GrepArguments) -> Sequence[str]:
        return ()

    def title(self, arguments: GrepArguments) -> str:
        return f"grep {arguments.pattern}" + (f" in {arguments.path}" if arguments.path != "." else "")


@dataclass(slots=True)
class Hits:
    """Lines found, by file in the order of the search: (number, is a match, text)."""

    files: dict[str, list[tuple[int, bool, str]]] = field(default_factory=dict)
    matches: int = 0


def search_script(arguments: GrepArguments) -> str:
    """Shell text that searches `$r`; see `inside_script`. Ends with REFUSED_EXIT when the search was refused."""
    pattern = shlex.quote(arguments.pattern)
    case = " -i" if arguments.ignore_case else ""
    around = f" -C {arguments.context}" if arguments.context else ""
    multi = " -U" if "\n" in arguments.pattern or "\\n" in arguments.pattern else ""
    rg_glob = f" -g {shlex.quote(arguments.glob)}" if arguments.glob else ""
    include = f" --include={shlex.quote(arguments.glob.rsplit('/', 1)[-1])}" if arguments.glob else ""
    extended = shlex.quote(_extended(arguments.pattern))
    return f"""if command -v rg >/dev/null 2>&1; then
rg --no-config -0Hn --no-heading --color never --no-messages --hidden --sort path -m 1000 -M 1000 \
--max-columns-preview --engine auto{multi}{case}{around}{rg_glob} -g '!.git' -e {pattern} -- "$r"
elif echo a | grep -qP a 2>/dev/null; then
grep -rnHIZP -s -m 1000 --exclude-dir=.git{case}{around}{include} -e {pattern} -- "$r"
else
grep -rnHE -s{case}{around}{include} -e {extended} -- "$r"
fi
c=$?
[ $c -lt 2 ] || [ $c -gt 2 ] || exit {REFUSED_EXIT}
exit $c"""


def parse_hits(output: bytes) -> Hits:
    """What rg or grep printed, with or without NUL after the file name."""
    hits = Hits()
    with_nul = b"\0" in output
    for raw in output.split(b"\n"):
        found = _LINE.fullmatch(raw) if with_nul else _PLAIN_LINE.fullmatch(raw)
        if found is None:
            continue
        if with_nul:
            name, number, mark, text = found.groups()
        else:
            name, mark, number, text = found.groups()
        path = name.decode("utf-8", "surrogateescape").removeprefix("./")
        hits.files.setdefault(path, []).append((int(number), mark == b":", text.decode("utf-8", "replace")))
        hits.matches += mark == b":"
    return hits


def _report(hits: Hits, *, whole: bool) -> ToolOutput:
    lines: list[str] = []
    shown, room = 0, MAX_CHARS
    for path, found in hits.files.items():
        if shown >= MAX_MATCHES or room < 0:
            break
        lines.append(display_name(path))
        for number, is_match, text in found:
            if shown >= MAX_MATCHES or room < 0:
                break
            shown += is_match
            lines.append(f"{number:>6}{':' if is_match else '-'} {_narrow(text)}")
            room -= len(lines[-1])
    total = f"{hits.matches}{'' if whole else ' or more'}"
    if shown < hits.matches or not whole:
        lines.append(f"[{shown} of {total} matches in {len(hits.files)} files; narrow the pattern, path or glob]")
    summary = f"{total} matches in {len(hits.files)} files"
    return ToolOutput(
        text="\n".join(lines), summary=summary, details={"matches": hits.matches, "files": len(hits.files)}
    )


def _narrow(text: str) -> str:
    line = text.removesuffix("\r")
    return visible(line if len(line) <= LINE_CHARS else f"{line[:LINE_CHARS]} [...]")


def _extended(pattern: str) -> str:
    """The pattern for a grep that knows only POSIX expressions."""
    for perl, posix in ((r"\d", "[0-9]"), (r"\s", "[[:space:]]"), (r"\w", "[[:alnum:]_]"), ("(?:", "(")):
        pattern = pattern.replace(perl, posix)
    return pattern
