"""Reads the items of a todo list out of what a call of the tool recorded."""

from typing import Any

from glmcode.tui.transcript.entries import TodoItem


def todo_items(details: dict[str, Any] | None) -> tuple[TodoItem, ...] | None:
    """The list in the details of a call of `todo`; None where there is none (an older or foreign session)."""
    items = (details or {}).get("items")
    if not isinstance(items, list | tuple):
        return None
    found = []
    for item in items:
        match item:
            case {"content": str(content), "status": "pending" | "in_progress" | "done" as status}:
                found.append(TodoItem(content, status))
            case _:
                return None
    return tuple(found)
