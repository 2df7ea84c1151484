"""Code in colours: pygments' tokens as runs of a few styles."""

from functools import lru_cache
from typing import TYPE_CHECKING

from glmcode.tui.transcript.lines import Line, Run, flow, indent

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MAX_CHARS = 40_000
"""More than that in one piece, or a line of more than MAX_LINE_CHARS, is shown without colours: lexers are slow."""
MAX_LINE_CHARS = 2_000
_TAB = 4
_STYLES = {
    "Comment": "code-comment",
    "Keyword": "code-keyword",
    "Name.Function": "code-name",
    "Name.Class": "code-name",
    "Name.Decorator": "code-name",
    "Name.Tag": "code-keyword",
    "Name.Attribute": "code-name",
    "Name.Builtin": "code-builtin",
    "Literal.String": "code-string",
    "Literal.Number": "code-number",
    "Operator.Word": "code-keyword",
    "Generic.Inserted": "code-string",
    "Generic.Deleted": "error",
    "Generic.Heading": "strong",
    "Generic.Subheading": "code-keyword",
}


def code_lines(code: str, language: str, width: int) -> list[Line]:
    """`code` as lines of `width` cells on the background of code."""
    lines = [
        shown for runs in _highlighted(code, language) for shown in flow(runs, width - 2, words=False, fill="code")
    ]
    return indent(lines, *[(Run(" "),)] * 2)


@lru_cache(maxsize=64)
def _highlighted(code: str, language: str) -> tuple[tuple[Run, ...], ...]:
    """The runs of each line."""
    code = code.expandtabs(_TAB)
    lexer = _lexer(language)
    lines = code.split("\n")
    if lexer is None or len(code) > MAX_CHARS or max(map(len, lines)) > MAX_LINE_CHARS:
        return tuple((Run(each, ""),) if each else () for each in lines)
    found: list[list[Run]] = [[]]
    for token, text in lexer.get_tokens(code):
        style = _style(tuple(token))
        first, *others = text.split("\n")
        if first:
            found[-1].append(Run(first, style))
        found += [[Run(other, style)] if other else [] for other in others]
    return tuple(map(tuple, found))


@lru_cache(maxsize=64)
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        # Nothing is added or taken away, so that a line of code stays a line on screen.
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=512)
def _style(token: tuple[str, ...]) -> str:
    """Of the nearest kind of token above `token` that has one."""
    for length in range(len(token), 0, -1):
        if (style := _STYLES.get(".".join(token[:length]))) is not None:
            return style
    return ""
