"""Makes text from a server fit for an error message."""

import re

MAX_CHARS = 500
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


def one_line(text: str, *, secret: str | None = None, limit: int = MAX_CHARS) -> str:
    """One line of at most `limit` printable characters, without escapes and the secret.

    Python calls neither controls, nor marks that change the reading direction, nor halves of surrogate pairs
    printable. A server may repeat the key it refused, whole or only its beginning.
    """
    text = _ESCAPES.sub(" ", text[: limit * 20])
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if secret:
        text = text.replace(secret, "[key]")
        if len(secret) >= 12:
            text = re.sub(re.escape(secret[:6]) + r"\S*", "[key]", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
