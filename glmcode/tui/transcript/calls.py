"""A tool call as lines: one when it is folded; opened, its diff, its tests or its output."""

from typing import Any

from rich.cells import cell_len

from glmcode.tui.texts import text
from glmcode.tui.transcript.diff import diff_lines
from glmcode.tui.transcript.entries import Call
from glmcode.tui.transcript.lines import Line, Run, flow, indent
from glmcode_sandbox.clean import clean_text, one_line

ICONS = {"running": "●", "ok": "●", "error": "✗", "refused": "⊘"}
LIVE_LINES = 4
"""Lines of output that show while a call runs."""
SHORT_DIFF = 24
"""A diff of at most so many lines shows without being opened."""
OUTPUT_CHARS = 400_000
"""Of a longer output only head and tail are shown; tools give less."""
_TAB = 4
_INDENT = "  "


def opens_itself(call: Call) -> bool:
    """Whether the call is shown open where the reader did not say otherwise."""
    diff = (call.details or {}).get("diff")
    return call.state == "ok" and isinstance(diff, str) and diff.count("\n") <= SHORT_DIFF


def call_lines(call: Call, width: int, *, opened: bool) -> list[Line]:
    lines = [_head(call, width)]
    inside = width - len(_INDENT)
    if call.state == "running":
        body = live_lines(call, inside, limit=None if opened else LIVE_LINES)
    else:
        body = body_lines(call, inside) if opened else []
    return lines + indent(body, *[(Run(_INDENT),)] * 2)


def _head(call: Call, width: int) -> Line:
    """Title, result and duration on one line; the title gives first."""
    seconds = "" if call.duration_s is None else f" · {duration(call.duration_s)}"
    room = width - 2 - len(seconds)
    title = one_line(call.title, max(8, room))
    left = room - cell_len(title) - 3
    summary = _result(call) if call.summary else text("transcript.call_running") * (call.state == "running")
    if cell_len(summary) > left:  # both are cut, the title to half at most
        title = one_line(call.title, max(8, room - 3 - min(cell_len(summary), room // 2)))
        left = room - cell_len(title) - 3
        summary = one_line(summary, left) if left >= 4 else ""
    wrong = call.state == "error" or _went_wrong(call)
    runs = [Run(f"{ICONS[call.state]} ", "call-error" if wrong else f"call-{call.state}"), Run(title, "call")]
    if summary:
        runs.append(Run(f" · {summary}", "error" if wrong else "dim"))
    return Line((*runs, *([Run(seconds, "dim")] if seconds else [])))


def _result(call: Call) -> str:
    """The one-line result, without the title where it begins with that."""
    summary, title = one_line(call.summary, 200), one_line(call.title, 200)
    rest = summary.removeprefix(title).strip()
    return rest[1:-1] if summary.startswith(title) and rest.startswith("(") and rest.endswith(")") else summary


def _went_wrong(call: Call) -> bool:
    """Whether what it ran failed, though the call itself is fine: tests, a command."""
    details = call.details or {}
    return bool(details.get("failed") or details.get("exit_code"))


def live_lines(call: Call, width: int, *, limit: int | None) -> list[Line]:
    """What a running call has put out; with a `limit`, the last lines of it."""
    if call.live is None:
        return []
    if limit is not None:
        last = clean_text(call.live.tail or call.live.head).rstrip("\n").split("\n")[-limit:]
        return [Line((Run(one_line(each, width), "output"),)) for each in last]
    lines = output_lines(call.live.head, width)
    if call.live.tail:
        lines += [_left_out(call.live.left_out)] if call.live.left_out else []
        lines += output_lines(call.live.tail, width)
    return lines


def body_lines(call: Call, width: int) -> list[Line]:
    """What there is to see in a call that is over."""
    details = call.details or {}
    if isinstance(diff := details.get("diff"), str) and (shown := diff_lines(clean_text(diff), width)):
        return shown
    tests = _tests_table(details, width) if call.name == "run_tests" else []
    return tests + output_lines(call.text, width)


def output_lines(output: str, width: int) -> list[Line]:
    cut = len(output) - OUTPUT_CHARS
    if cut > 0:
        half = OUTPUT_CHARS // 2
        return [*output_lines(output[:half], width), _left_out(cut), *output_lines(output[-half:], width)]
    cleaned = clean_text(output).rstrip("\n").expandtabs(_TAB)
    if not cleaned:
        return []
    return [shown for each in cleaned.split("\n") for shown in flow([Run(each, "output")], width, words=False)]


def _left_out(chars: int) -> Line:
    return Line((Run(text("transcript.left_out", chars=f"{chars:,}"), "dim"),))


def _tests_table(details: dict[str, Any], width: int) -> list[Line]:
    """How many tests passed, failed and were skipped, and which failed."""
    counts = {name: value for name in ("passed", "failed", "skipped") if isinstance(value := details.get(name), int)}
    if not counts:
        return []
    styles = {"passed": "ok", "failed": "error", "skipped": "dim"}
    runs: list[Run] = []
    for name, value in counts.items():
        style = styles[name] if value else "dim"
        runs += [Run(f"{value} ", f"strong {style}"), Run(text(f"transcript.tests_{name}"), style), Run("   ")]
    lines = [Line(tuple(runs[:-1]))]
    failing = details.get("failing")
    for test_id in failing if isinstance(failing, list | tuple) else ():
        lines += indent(
            flow([Run(one_line(str(test_id), 400))], width - 2, words=False), (Run("✗ ", "error"),), (Run("  "),)
        )
    return [*lines, Line()]


def duration(seconds: float) -> str:
    """`0.3 s`, `42 s`, `3 m 05 s`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} m {int(seconds) % 60:02} s"
