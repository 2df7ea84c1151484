"""Tells a tool call that an answer only shows as an example from one that was meant, by the Markdown around it."""

import re

_MARKS = r"(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*"
_FENCE = re.compile(rf"{_MARKS}(`{{3,}}|~{{3,}})([^\n]*)")
_QUOTED_LINE = re.compile(r"[ \t]*>")
_TAG = re.compile(r"<(?:code|pre|samp|kbd)\b[^>\n]{0,200}>\s*\Z", re.IGNORECASE)
_OPENING = ('"', "'", "“", "‘", "„", "‚", "«", "‹", "「", "『", "(", "（")
_MIDDLE_OF_SENTENCE = re.compile(r"[^\W_][,;:]?[ \t]*\Z")
_SENTENCE_GOES_ON = re.compile(r"[ \t]+[a-z]|[ \t]*[\u4e00-\u9fff]")
_TAIL_CHARS = 240
_LINE_CHARS = 4_000
_CODE_COLUMNS = 4


class Quoting:
    """Follows a text from its beginning and knows at each place whether what comes next is shown as an example."""

    def __init__(self) -> None:
        self._line = self._tail = self._fence = ""
        self._after_blank = True
        self._code_block = self._span = False

    def read(self, text: str) -> None:
        """Go on past this piece of the text."""
        self._tail = (self._tail + text)[-_TAIL_CHARS:]
        for piece in text.splitlines(keepends=True):
            self._line += piece
            if piece.endswith("\n"):
                self._end_line()
            elif len(self._line) > _LINE_CHARS:
                # Only its ends and an open code span matter; an endless line must not be copied with every piece.
                start, end = self._line[:_TAIL_CHARS], self._line[-_TAIL_CHARS:]
                self._line = start.replace("`", "'") + _open_run(self._line[:-_TAIL_CHARS]) + end

    def is_example(self) -> bool:
        """Whether here is the inside of a fence, a code block, a code span or a quotation."""
        return bool(
            self._fence
            or self._span
            or _open_run(self._line)
            or self._line.endswith(_OPENING)
            or _QUOTED_LINE.match(self._line)
            or _TAG.search(self._tail)
            or (not self._line.strip() and self._is_code_line())
        )

    def is_mentioned(self, following: str) -> bool:
        """Whether what stands between here and `following` is a part of a sentence that goes on behind it."""
        return bool(_MIDDLE_OF_SENTENCE.search(self._line) and _SENTENCE_GOES_ON.match(following))

    def _end_line(self) -> None:
        fence = _FENCE.match(self._line)
        if fence and self._fence:
            if fence[1].startswith(self._fence) and not fence[2].strip():
                self._fence = ""
        elif fence and not (fence[1].startswith("`") and "`" in fence[2]):
            self._fence = fence[1]
        # Only a backtick at its very end surely opens a span that goes on in the next line.
        self._span = fence is None and bool(_open_run(self._line)) and self._line.rstrip().endswith("`")
        blank = not self._line.strip()
        self._code_block = self._is_code_line() or (blank and self._code_block)
        self._after_blank = blank
        self._line = ""

    def _is_code_line(self) -> bool:
        indented = self._line.expandtabs(_CODE_COLUMNS).startswith(" " * _CODE_COLUMNS)
        return indented and (self._after_blank or self._code_block)


def _open_run(line: str) -> str:
    """The backticks of the code span that a line leaves open."""
    open_run = ""
    for run in re.findall("`+", line):
        open_run = "" if run == open_run else open_run or run
    return open_run
