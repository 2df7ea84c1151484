"""Reads the wordings of a server for a prompt that does not fit its model's window."""

import re

# Z.ai (code 1261), SGLang (tokenizer and scheduler), vLLM and OpenAI, in the wordings of several versions.
_OVERFLOW = re.compile(
    r"context[ _]length|context window|maximum context|max_completion_tokens is too large"
    r"|prompt (?:is too long|exceeds max length)|input is too long|longer than the (?:model|maximum model length)"
    r"|maximum prompt length|exceeds the maximum allowed length",
    re.IGNORECASE,
)
_WINDOW = re.compile(
    r"(?:context (?:length|window)|maximum model length|maximum prompt length|maximum allowed length)"
    r"[^0-9.;]{0,24}([0-9]{1,3}(?:,[0-9]{3}){1,2}(?!,?[0-9])|[0-9]{3,9}(?!,?[0-9]))",
    re.IGNORECASE,
)
_WINDOWS = range(512, 10**8)
_READ_CHARS = 4_000


def is_overflow(message: str) -> bool:
    """Whether the text of a refusal says that the prompt, or prompt and answer, are too long."""
    return _OVERFLOW.search(message[:_READ_CHARS]) is not None


def told_window(message: str) -> int | None:
    """The window in tokens that such a text names, None where it names none or one that cannot be."""
    for found in _WINDOW.finditer(message[:_READ_CHARS]):
        tokens = int(found[1].replace(",", ""))
        if tokens in _WINDOWS:
            return tokens
    return None
