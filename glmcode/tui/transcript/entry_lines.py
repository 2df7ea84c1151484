"""Every kind of entry as lines for a width."""

from glmcode.tui.status.meter import segment_name
from glmcode.tui.texts import text
from glmcode.tui.transcript.calls import call_lines, duration, opens_itself
from glmcode.tui.transcript.entries import (
    Answer,
    Call,
    Entry,
    Note,
    Seal,
    Thinking,
    Todo,
    TurnEnd,
    UserSaid,
    Void,
)
from glmcode.tui.transcript.lines import Line, Run, flow, indent
from glmcode.tui.transcript.markdown import MarkdownLines
from glmcode_engine.tokens import estimate_tokens
from glmcode_sandbox.clean import clean_text, one_line

_TAB = 4
_COUNTED_CHARS = 20_000
"""Of longer thinking the tokens are estimated by its beginning."""
_LEAST_SHOWN_S = 0.1
"""Thinking that took less has no duration worth a word."""
_TODO_MARKS = {"pending": "☐", "in_progress": "▸", "done": "☑"}
_SEALS = {
    "verified": ("✔", "ok"),
    "unverified": ("◇", "warning"),
    "not_reproduced": ("◇", "warning"),
    "failed": ("✗", "error"),
    "none": ("○", "dim"),
}
_NOTE_MARKS = {"info": "·", "warning": "!", "error": "✗"}


def folds(entry: Entry) -> bool:
    """Whether there is something to open in it."""
    match entry:
        case Thinking():
            return True
        case Call():
            return bool(entry.text or entry.details or entry.live)
        case _:
            return False


def opened_at_first(entry: Entry) -> bool:
    return isinstance(entry, Call) and opens_itself(entry)


def is_tight(entry: Entry) -> bool:
    """Whether it needs no empty line towards its like."""
    return isinstance(entry, Call | Note | Void)


def estimate(entry: Entry, width: int) -> int:
    """About how many lines it takes, quickly."""
    match entry:
        case Void():
            return 0
        case UserSaid(body):
            return 1 + body.count("\n") + len(body) // width
        case Answer(body):
            return 1 + body.text.count("\n") + body.length // width
        case Todo(items):
            return 1 + len(items)
        case Call() if opens_itself(entry):
            return 1 + str((entry.details or {}).get("diff")).count("\n")
        case _:
            return 1


def entry_lines(entry: Entry, width: int, *, opened: bool, markdown: MarkdownLines | None = None) -> list[Line]:
    """The lines of an entry. `markdown` holds what is rendered already of an answer or of opened thinking."""
    match entry:
        case UserSaid(body):
            lines = [
                shown
                for each in clean_text(body).rstrip("\n").expandtabs(_TAB).split("\n")
                for shown in flow([Run(each, "user")], width - 2, fill="user")
            ]
            return indent(lines, (Run("❯ ", "user-mark"),), (Run("  "),))
        case Answer(body):
            return (markdown or MarkdownLines(width)).lines(body.text)
        case Thinking():
            return _thinking(entry, width, opened, markdown)
        case Call():
            return call_lines(entry, width, opened=opened)
        case Todo():
            return _todo(entry, width)
        case Seal():
            return _seal(entry, width)
        case Note():
            style = {"info": "dim"}.get(entry.level, entry.level)
            return _marked(_NOTE_MARKS[entry.level], style, [Run(note_text(entry), style)], width)
        case TurnEnd():
            return _turn_end(entry, width)
        case Void():
            return []


def note_text(note: Note) -> str:
    """The sentence of a note, clean and on one line."""
    fields = {name: _told(name, value) for name, value in note.fields}
    return text(f"transcript.note_{note.kind}", **fields).rstrip(" :：")


def _told(name: str, value: str | float) -> str | float:
    """A field of a note as it is said: words of our own in the reader's language, others clean."""
    match name, value:
        case "segment", str():
            return segment_name(value)
        case "how", "trimmed" | "summarised" | "dropped":
            return text(f"transcript.how_{value}")
        case _, str():
            return one_line(value, 2_000)
        case _:
            return value


def thinking_tokens(thinking: Thinking) -> tuple[int, bool]:
    """How many tokens it has, and whether they are counted rather than estimated."""
    if thinking.tokens is not None:
        return thinking.tokens, True
    body = thinking.body.text
    part = body[:_COUNTED_CHARS]
    return round(estimate_tokens(part) * len(body) / max(1, len(part))), False


def _thinking(thinking: Thinking, width: int, opened: bool, markdown: MarkdownLines | None) -> list[Line]:
    count, exact = thinking_tokens(thinking)
    word = "thought" if thinking.done else "thinking"
    label = text(f"transcript.{word}")
    tokens = text("transcript.tokens", tokens=f"{'' if exact else '~'}{count:,}")
    took = thinking.seconds or 0.0
    seconds = f" · {duration(took)}" if took >= _LEAST_SHOWN_S else ""
    head = Line((Run("▾ " if opened else "▸ ", "thinking"), Run(f"{label} · {tokens}{seconds}", "thinking")))
    if not opened:
        return [head]
    body = (markdown or MarkdownLines(width - 2)).lines(thinking.body.text)
    dimmed = [
        line._replace(runs=tuple(Run(run.text, f"{run.style} thinking".strip()) for run in line.runs)) for line in body
    ]
    return [head, *indent(dimmed, *[(Run("│ ", "thinking"),)] * 2)]


def _todo(todo: Todo, width: int) -> list[Line]:
    done = sum(item.status == "done" for item in todo.items)
    lines = [Line((Run(text("transcript.todo", done=done, total=len(todo.items)), "strong"),))]
    for item in todo.items:
        style = f"todo-{item.status.replace('_', '-')}"
        lines += _marked(_TODO_MARKS[item.status], style, [Run(one_line(item.content, 400), style)], width)
    return lines


def _seal(seal: Seal, width: int) -> list[Line]:
    mark, style = _SEALS[seal.verdict]
    runs = [Run(text(f"transcript.verdict_{seal.verdict}"), f"{style} strong")]
    counts = {"fixed": seal.fixed, "broken": seal.broken, "passed": seal.passed}
    told = [text(f"transcript.seal_{name}", count=count) for name, count in counts.items() if count]
    if told:
        runs.append(Run(f" · {' · '.join(told)}", style))
    lines = _marked(mark, f"{style} strong", runs, width)
    if seal.reason:
        lines += indent(flow([Run(one_line(seal.reason, 2_000), "dim")], width - 2), *[(Run("  "),)] * 2)
    return lines


def _turn_end(end: TurnEnd, width: int) -> list[Line]:
    style = {"done": "dim", "error": "error"}.get(end.reason, "warning")
    parts = [text(f"transcript.turn_{end.reason}") + (f" ({one_line(end.detail)})" if end.detail else "")]
    parts.append(text("transcript.steps", steps=end.steps))
    parts.append(text("transcript.tokens", tokens=f"{end.tokens:,}"))
    parts += [] if end.cost_usd is None else [f"${end.cost_usd:.4f}"]
    parts.append(duration(end.duration_s))
    return flow([Run(parts[0], style), Run(" · " + " · ".join(parts[1:]), "dim")], width)


def _marked(mark: str, style: str, runs: list[Run], width: int) -> list[Line]:
    return indent(flow(runs, width - 2), (Run(f"{mark} ", style),), (Run("  "),))
