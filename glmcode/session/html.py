"""A session as one HTML page that needs nothing else: no script, no picture, no address is loaded."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from glmcode.session.remarks import Remark, Remarks, remark_line
from glmcode.session.store import Header
from glmcode_engine.messages import Message

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1e2230; }
h1 { font-size: 1.3rem; } section { margin: 1rem 0; padding: .2rem 1rem; border-left: 3px solid #c9cfdd; }
section.user { border-color: #2f5bd0; background: #f0f2f7; } section.assistant { border-color: #0f8a80; }
h2 { font-size: .8rem; color: #6b7186; text-transform: uppercase; } p { white-space: pre-wrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f0f2f7; padding: .6rem; } summary { color: #6b7186; }
@media (prefers-color-scheme: dark) { body { background: #11131a; color: #d9dce7; }
  pre, section.user { background: #1f2330; } }
"""
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n`]*\n(.*?)^\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
_LONG_CHARS = 400
"""A longer result is folded."""


def as_html(header: Header, messages: Sequence[Message], remarks: Remarks = ()) -> str:
    """The conversation for reading in a browser. Everything in it is text: nothing of it becomes markup."""
    title = escape(f"Session {header.id}")
    about = escape(f"Repository: {header.repo}. Model: {header.engine.model}.")
    parts = [
        "<!doctype html>",
        f'<html><head><meta charset="utf-8"><title>{title}</title>',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1><p>{about}</p>",
    ]
    for number, message in enumerate(messages):
        parts += [_remark(each) for before, each in remarks if before == number]
        parts.append(f'<section class="{message.role}"><h2>{message.role}</h2>{"".join(_said(message))}</section>')
    parts += [_remark(each) for before, each in remarks if before == len(messages)]
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _said(message: Message) -> Iterator[str]:
    match message.role:
        case "system":
            yield _folded("system prompt", message.content)
        case "tool":
            yield _folded("result", message.content) if len(message.content) > _LONG_CHARS else _code(message.content)
        case "user" | "assistant":
            if message.reasoning_content:
                yield _folded("thinking", message.reasoning_content)
            yield from _prose(message.content)
            for call in message.tool_calls:
                yield f"<p>{escape(call.name)}</p>{_code(call.arguments)}"


def _prose(text: str) -> Iterator[str]:
    """Paragraphs, with what stands in fences as code."""
    at = 0
    for fence in _FENCE.finditer(text):
        yield from _paragraph(text[at : fence.start()])
        yield _code(fence[2])
        at = fence.end()
    yield from _paragraph(text[at:])


def _paragraph(text: str) -> Iterator[str]:
    if text.strip():
        yield f"<p>{escape(text.strip())}</p>"


def _code(text: str) -> str:
    return f"<pre>{escape(text.rstrip())}</pre>"


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{_code(text)}</details>"


def _remark(each: Remark) -> str:
    summary = each.summary if each.kind == "compacted" else ""
    return f"<p><em>{escape(remark_line(each))}</em></p>{_code(summary) if summary else ''}"
