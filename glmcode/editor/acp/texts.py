"""Text of models, tools and repositories on its way to an editor, which may be one in a terminal."""

import re

from acp.schema import AgentMessageChunk, AgentThoughtChunk, ContentToolCallContent, TextContentBlock, UserMessageChunk

from glmcode_prompts.library import fenced

# One character at a time, since text comes in pieces: without its introducer no control sequence is left.
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> str:
    """`text` without what acts on a terminal or turns the direction of reading."""
    return _ACTING.sub("", text)


def block(text: str) -> TextContentBlock:
    """Text as a part of a message."""
    return TextContentBlock(type="text", text=harmless(text))


def content(text: str) -> ContentToolCallContent:
    """Text as something that a call gave; editors show it as Markdown."""
    return ContentToolCallContent(type="content", content=block(text))


def output(text: str) -> ContentToolCallContent:
    """What a command or a file said: nothing in it is markup."""
    return content(fenced(text.rstrip("\n")))


def said(text: str, message_id: str) -> AgentMessageChunk:
    """A piece of an answer. A change of `message_id` begins a new message."""
    return AgentMessageChunk(session_update="agent_message_chunk", content=block(text), message_id=message_id)


def thought(text: str, message_id: str) -> AgentThoughtChunk:
    """A piece of what the model thinks, or news that are no answer."""
    return AgentThoughtChunk(session_update="agent_thought_chunk", content=block(text), message_id=message_id)


def typed(text: str, message_id: str) -> UserMessageChunk:
    """What the user wrote."""
    return UserMessageChunk(session_update="user_message_chunk", content=block(text), message_id=message_id)
