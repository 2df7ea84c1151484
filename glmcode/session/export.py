"""A session as JSON for programs or Markdown for people."""

import json
from collections.abc import Iterator, Sequence

from glmcode.events import Compacted
from glmcode.markdown import fenced
from glmcode.session.store import Header
from glmcode_engine.messages import Message

Compactions = Sequence[tuple[int, Compacted]]
"""Each with the number of messages before it."""


def as_json(header: Header, messages: Sequence[Message], compactions: Compactions = ()) -> str:
    """One object: the header's fields, all messages as they were said, and where the conversation was compacted.

    ASCII, so safe to show.
    """
    said = [message.model_dump(exclude_defaults=True) for message in messages]
    places = [{"after_messages": before, **each.model_dump(mode="json")} for before, each in compactions]
    return json.dumps({**header.model_dump(mode="json"), "messages": said, "compactions": places}, indent=2)


def as_markdown(header: Header, messages: Sequence[Message], compactions: Compactions = ()) -> str:
    """The conversation for reading; untrusted, so clean it before it reaches a terminal."""
    parts = [f"# Session {header.id}", f"Repository: {header.repo}. Model: {header.engine.model}."]
    for number, message in enumerate(messages):
        parts += _compacted(compactions, number)
        parts += _message(message)
    parts += _compacted(compactions, len(messages))
    return "\n\n".join(parts) + "\n"


EXPORTS = (".md", ".html", ".json")
"""Endings of files, each for a form."""


def exported(ending: str, header: Header, messages: Sequence[Message], compactions: Compactions = ()) -> str:
    """The session in the form of one of `EXPORTS`."""
    match ending:
        case ".json":
            return as_json(header, messages, compactions)
        case ".html":
            from glmcode.session.html import as_html

            return as_html(header, messages, compactions)
        case _:
            return as_markdown(header, messages, compactions)


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


def _compacted(compactions: Compactions, before: int) -> Iterator[str]:
    """What stands where the conversation was compacted after `before` messages."""
    for _, each in (found for found in compactions if found[0] == before):
        yield f"*Compacted here: {each.how}, {each.tokens_before} to {each.tokens_after} tokens; {each.cause}.*"
        if each.summary:
            yield fenced(each.summary)
