"""What of an entry goes to the clipboard: its source, harmless wherever it is pasted."""

from glmcode.tui.transcript.entries import Answer, Call, Entry, Note, Seal, Thinking, Todo, UserSaid
from glmcode.tui.transcript.entry_lines import note_text
from glmcode.tui.transcript.markdown import code_blocks
from glmcode_sandbox.clean import clean_text

_BOXES = {"pending": "[ ]", "in_progress": "[-]", "done": "[x]"}


def raw_text(entry: Entry) -> str | None:
    """Markdown as the model wrote it, a diff, an output; None where there is nothing to copy."""
    match entry:
        case UserSaid(text):
            return clean_text(text)
        case Answer(body) | Thinking(body):
            return clean_text(body.text)
        case Call():
            diff = (entry.details or {}).get("diff")
            return clean_text(diff if isinstance(diff, str) else entry.text or entry.title)
        case Todo(items):
            return "\n".join(f"- {_BOXES[item.status]} {clean_text(item.content)}" for item in items)
        case Note():
            return note_text(entry)
        case Seal():
            return clean_text(entry.reason) or entry.verdict
        case _:
            return None


def raw_code(entry: Entry) -> list[str]:
    """The code blocks of an answer."""
    source = raw_text(entry) if isinstance(entry, Answer | Thinking | UserSaid) else None
    return code_blocks(source) if source else []
