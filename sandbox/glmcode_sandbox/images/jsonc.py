"""Reads JSON with comments and trailing commas, as editors write their settings."""

import json
import re

# A string comes first in each, so that what looks like a comment or a comma inside one is left alone. What is never
# closed is taken whole and left as it is: looking for its end at every next beginning would take long.
_STRING = r'"(?:[^"\\\n]|\\.)*"?'
_COMMENT = re.compile(rf"({_STRING})|//[^\n\r]*|/\*.*?\*/|(/\*.*)", re.DOTALL)
_LAST_COMMA = re.compile(rf"({_STRING})|,(?=\s*[\]}}])", re.DOTALL)


def loads(text: str) -> object:
    """The value of a JSON text that may hold `//` and `/* */` comments and a comma after the last element.

    Raises ValueError for anything else that is not JSON, nesting without end included.
    """
    bare = _COMMENT.sub(lambda found: found[1] or found[2] or " ", text.removeprefix("\ufeff"))
    try:
        return json.loads(_LAST_COMMA.sub(lambda found: found[1] or "", bare))
    except RecursionError:
        raise ValueError("nested too deeply") from None
