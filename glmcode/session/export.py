"""A session as JSON for programs or Markdown for people."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from glmcode.markdown import fenced
from glmcode.session.remarks import Remarks, remark_line
from glmcode.session.store import Header
from glmcode_engine.messages import Message


def as_json(header: Header, messages: Sequence[Message], remarks: Remarks = ()) -> str:
    """One object: the header's fields, all messages as they were said, where the conversation was compacted, and what
    the harness found out about changes.

    ASCII, so safe to show.
    """
    said = [message.model_dump(exclude_defaults=True) for message in messages]
    places = {name: _placed(remarks, name) for name in ("compacted", "verdict")}
    told = {"messages": said, "compactions": places["compacted"], "verdicts": places["verdict"]}
    return json.dumps({**header.model_dump(mode="json"), **told}, indent=2)


def _placed(remarks: Remarks, kind: str) -> list[dict[str, Any]]:
    return [{"after_messages": before, **each.model_dump(mode="json")} for before, each in remarks if each.kind == kind]


def as_markdown(header: Header, messages: Sequence[Message], remarks: Remarks = ()) -> str:
    """The conversation for reading; untrusted, so clean it before it reaches a terminal."""
    parts = [f"# Session {header.id}", f"Repository: {header.repo}. Model: {header.engine.model}."]
    for number, message in enumerate(messages):
        parts += _remarked(remarks, number)
        parts += _message(message)
    parts += _remarked(remarks, len(messages))
    return "\n\n".join(parts) + "\n"


EXPORTS = (".md", ".html", ".json")
"""Endings of files, each for a form."""


def exported(ending: str, header: Header, messages: Sequence[Message], remarks: Remarks = ()) -> str:
    """The session in the form of one of `EXPORTS`."""
    match ending:
        case ".json":
            return as_json(header, messages, remarks)
        case ".html":
            from glmcode.session.html import as_html

            return as_html(header, messages, remarks)
        case _:
            return as_markdown(header, messages, remarks)


def _message(message: Message) -> Iterator[str]:
    match message.role:
        case "system":
            yield from ("## System prompt", fenced(message.content))
        case "user":
            yield from ("## User", message.content)
        case "assistant":
            yield "## Assistant"
            if message.reasoning_content:
                yield from ("Thinking:", fenced(message.reasoning_content))
            if message.content:
                yield message.content
            yield from (f"Calls `{call.name}`:\n\n{fenced(call.arguments, 'json')}" for call in message.tool_calls)
        case "tool":
            yield from ("## Tool result", fenced(message.content))


def _remarked(remarks: Remarks, before: int) -> Iterator[str]:
    """What stands after `before` messages: that the conversation was compacted there, or a verdict."""
    for each in (remark for place, remark in remarks if place == before):
        yield f"*{remark_line(each)}*"
        if each.kind == "compacted" and each.summary:
            yield fenced(each.summary)
