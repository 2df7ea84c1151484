"""A session as JSON for programs or Markdown for people."""

import json
from collections.abc import Sequence

from glmcode.markdown import fenced
from glmcode.session.store import Header
from glmcode_engine.messages import Message


def as_json(header: Header, messages: Sequence[Message]) -> str:
    """One object: the header's fields and the messages as the model was sent them. ASCII, so safe to show."""
    exported = [message.model_dump(exclude_defaults=True) for message in messages]
    return json.dumps({**header.model_dump(mode="json"), "messages": exported}, indent=2)


def as_markdown(header: Header, messages: Sequence[Message]) -> str:
    """The conversation for reading; untrusted, so clean it before it reaches a terminal."""
    parts = [f"# Session {header.id}", f"Repository: {header.repo}. Model: {header.engine.model}."]
    for message in messages:
        match message.role:
            case "system":
                parts += ["## System prompt", fenced(message.content)]
            case "user":
                parts += ["## User", message.content]
            case "assistant":
                parts.append("## Assistant")
                if message.reasoning_content:
                    parts += ["Thinking:", fenced(message.reasoning_content)]
                if message.content:
                    parts.append(message.content)
                parts += [f"Calls `{call.name}`:\n\n{fenced(call.arguments, 'json')}" for call in message.tool_calls]
            case "tool":
                parts += ["## Tool result", fenced(message.content)]
    return "\n\n".join(parts) + "\n"
