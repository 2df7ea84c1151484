"""Markdown as lines: blocks laid out for a width, what is inside them as styled runs."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from glmcode.tui.transcript.blocks import Block, Blocks, parser
from glmcode.tui.transcript.code import code_lines
from glmcode.tui.transcript.lines import Line, Run, flow, indent
from glmcode.tui.transcript.tables import table_lines

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

MIN_WIDTH = 8
"""Nested lists and quotes never get narrower than that."""
_BULLETS = ("•", "◦", "▪")
_TAB = 4


class MarkdownLines:
    """The lines of a growing Markdown text for one width; only its last block is rendered again."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._blocks = Blocks()
        self._fed = ""
        self._lines: list[Line] = []
        self._rendered = 0
        self._streamed = False
        """Whether the text came more than once."""

    @property
    def in_pieces(self) -> bool:
        """Whether a block was settled in pieces before it ended: colours of code may be wrong where they meet."""
        return self._streamed and any(block.goes_on for block in self._blocks.settled)

    def grows_to(self, text: str) -> bool:
        """Whether `text` begins with what was given before."""
        return text.startswith(self._fed)

    def lines(self, text: str) -> list[Line]:
        """Of `text`, which begins with what was given before."""
        self._streamed = self._streamed or bool(self._fed)
        self._blocks.feed(text[len(self._fed) :])
        self._fed = text
        for block in self._blocks.settled[self._rendered :]:
            self._lines += _spaced(block, self._width, first=not self._lines)
        self._rendered = len(self._blocks.settled)
        shown = list(self._lines)
        for block in self._blocks.open:
            shown += _spaced(block, self._width, first=not shown)
        return shown


def code_blocks(text: str) -> list[str]:
    """The code of every code block in a clean Markdown text, also of those inside lists and quotes."""
    return [token.content.removesuffix("\n") for token in parser().parse(text) if token.type in ("fence", "code_block")]


def _spaced(block: Block, width: int, *, first: bool) -> list[Line]:
    lines = _block_lines(block, width)
    return lines if first or block.goes_on or not lines else [Line(), *lines]


def _block_lines(block: Block, width: int) -> list[Line]:
    if block.language is not None:
        return code_lines(block.source, block.language, width)
    from markdown_it.tree import SyntaxTreeNode

    return _stack(SyntaxTreeNode(parser().parse(block.source)).children, width)


def _stack(nodes: Iterable["SyntaxTreeNode"], width: int, *, tight: bool = False, depth: int = 0) -> list[Line]:
    """Blocks below each other."""
    found: list[Line] = []
    for node in nodes:
        lines = _node_lines(node, max(MIN_WIDTH, width), depth)
        found += [Line(), *lines] if found and lines and not tight else lines
    return found


def _node_lines(node: "SyntaxTreeNode", width: int, depth: int) -> list[Line]:
    match node.type:
        case "heading":
            return _text(node, width, f"heading heading-{min(int(node.tag[1:]), 3)}")
        case "fence" | "code_block":
            language = node.info.split(maxsplit=1)[0] if node.info.strip() else ""
            return code_lines(node.content.removesuffix("\n"), language, width) if node.content else []
        case "blockquote":
            return indent(_stack(node.children, width - 2, depth=depth), *[(Run("▎ ", "quote"),)] * 2)
        case "bullet_list" | "ordered_list":
            return _list(node, width, depth)
        case "table":
            rows = [[_runs(cell) for cell in row.children] for part in node.children for row in part.children]
            return table_lines(rows, width)
        case "hr":
            return [Line((Run("─" * min(width, 40), "rule"),))]
        case "paragraph":
            return _text(node, width, "")
        case _:
            return [shown for each in node.content.splitlines() for shown in flow([Run(each)], width)]


def _list(node: "SyntaxTreeNode", width: int, depth: int) -> list[Line]:
    start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    column = 2 if start is None else len(str(start + len(node.children) - 1)) + 2
    found: list[Line] = []
    for number, item in enumerate(node.children):
        mark = _BULLETS[min(depth, 2)] if start is None else f"{start + number}."
        lines = _stack(item.children, width - column, tight=tight, depth=depth + 1) or [Line()]
        lines = indent(lines, (), (Run(" " * column),))
        # The mark is text, unlike the space before it: who copies a list wants its marks.
        head = lines[0]._replace(runs=(Run(mark.ljust(column), "marker"), *lines[0].lead, *lines[0].runs), lead=())
        found += [Line()] if found and not tight else []
        found += [head, *lines[1:]]
    return found


def _text(node: "SyntaxTreeNode", width: int, style: str) -> list[Line]:
    """A paragraph or heading. The line ends of its source stay: models mean them."""
    return [shown for runs in _split(_runs(node, style)) for shown in flow(runs, width)]


def _split(runs: Sequence[Run]) -> list[list[Run]]:
    found: list[list[Run]] = [[]]
    for text, style in runs:
        first, *others = text.split("\n")
        found[-1].append(Run(first, style))
        found += [[Run(other, style)] for other in others]
    return found


def _runs(node: "SyntaxTreeNode", style: str = "") -> list[Run]:
    """What is inside of a block, or inside of something inside of it."""
    found: list[Run] = []
    for child in node.children:
        match child.type:
            case "inline" | "paragraph":
                found += _runs(child, style)
            case "text":
                found.append(Run(child.content.expandtabs(_TAB), style))
            case "code_inline":
                found.append(Run(child.content.expandtabs(_TAB), _with(style, "code-inline")))
            case "strong" | "em" | "s":
                found += _runs(child, _with(style, {"strong": "strong", "em": "em", "s": "strike"}[child.type]))
            case "softbreak" | "hardbreak":
                found.append(Run("\n", style))
            case "link":
                found += _link(child, style)
            case "image":
                found.append(Run(child.content or str(child.attrs.get("src", "")), _with(style, "link")))
            case _:
                found.append(Run(child.content, style))
    return found


def _link(node: "SyntaxTreeNode", style: str) -> list[Run]:
    """Its words, and where it leads wherever that is something else: nothing is hidden behind words."""
    words = _runs(node, _with(style, "link"))
    target = str(node.attrs.get("href", ""))
    if not target or target in ("".join(run.text for run in words), f"mailto:{words[0].text}" if words else ""):
        return words
    return [*words, Run(f" ({target})", _with(style, "dim"))]


def _with(style: str, more: str) -> str:
    return f"{style} {more}".strip()
