"""Keeps text that spells GLM's control tokens from being read as them: no file and no output opens a turn of its own.

Servers encode the whole rendered conversation at once, so `<|user|>` in a file is the same token as the one that opens
the user's turn. A zero-width space parts what goes out; what comes back in the arguments of a call is joined again.
"""

import re
from functools import lru_cache

_PART = "\u200b"
# tokenizer_config.json of GLM-4.6: what the chat template writes around messages.
_NAMES = r"\|(?:system|user|assistant|observation|endoftext)\|>|(?:sop|eop)>|g?MASK\]|sMASK\]"
_CONTROL = re.compile(rf"[<\[](?={_NAMES})")
_PARTED = re.compile(rf"([<\[])(?:{_PART}|\\u200b)(?={_NAMES})", re.IGNORECASE)


@lru_cache(maxsize=4096)  # a conversation goes out again with every step
def parted(text: str) -> str:
    """The text with its control tokens parted; what holds none is the same object."""
    return _CONTROL.sub(lambda found: found[0] + _PART, text)


def joined(text: str) -> str:
    """The text as it was before `parted`, also inside JSON, where the space may be written as an escape."""
    return _PARTED.sub(r"\1", text)
