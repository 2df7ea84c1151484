"""Turns untrusted bytes of commands, files and servers into text that no terminal, log or model can be fooled by."""

import codecs
import re
import unicodedata

LINE_CHARS = 256 * 1024
"""A longer line is treated in pieces of this size, so that a stream without line ends needs bounded memory."""

# Deleted before anything else, as a terminal ignores them too: C0 but BEL \b \t \n \r CAN SUB ESC, DEL, and what is
# invisible or changes the order of text: Mongolian vowel separator, Arabic letter mark, zero-width space, LRM/RLM,
# bidi controls, word joiner and invisible operators, BOM, interlinear annotation, tags, extra variation selectors.
_IGNORED = re.compile(
    "[\x00-\x06\x0b\x0c\x0e-\x17\x19\x1c-\x1f\x7f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef]+"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_SEPARATOR = re.compile("[\u2028\u2029]")

_CSI = r"(?:\x1b\[|\x9b)[ -?]*"
# OSC, DCS, SOS, PM and APC end at BEL, ST or the next escape; also at the line's end, so that one stray
# introducer cannot hide all that follows.
_STRING = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x18\x1a\x1b\x80-\x9f\n]*"
_OTHER = r"\x1b[ -/]*"
_SEQUENCE = re.compile(rf"{_CSI}[@-~]?|{_STRING}\x07?|{_OTHER}[0-~]?|[\x07\x18\x1a\x80-\x9f]")
_UNFINISHED = re.compile(rf"(?P<csi>{_CSI})|(?P<string>{_STRING})|(?P<other>{_OTHER})")
_INTRODUCER = re.compile("[\x1b\x90\x98\x9b\x9d-\x9f]")

# What is left of control sequences that decide what a line finally shows. The input cannot hold these two: _IGNORED.
_ERASE_REST, _ERASE_LINE = "\x01", "\x02"
_DRAWING = (
    (re.compile(r"(?:\x1b\[|\x9b)0?K"), _ERASE_REST),
    (re.compile(r"(?:\x1b\[|\x9b)2K"), _ERASE_LINE),
    (re.compile(r"(?:\x1b\[|\x9b)[01]?G"), "\r"),
)
_REDRAWN = re.compile("[\r\b\x02]")
_DRAWN = re.compile("[\r\b\x01\x02]|[^\r\b\x01\x02]+")

# Joiners (ZWNJ, ZWJ) belong to emoji and to Persian and Indic words: one is kept after a non-ASCII character.
_STRAY_JOINER = re.compile("(?<![\u00a9-\u200b\u200e-\U0010ffff])[\u200c\u200d]+")
_JOINERS = "\u200c\u200d"


class StreamCleaner:
    """Cleans output as it arrives; the pieces put together equal `clean_text` of the whole.

    Whole lines are given out, since a carriage return may still redraw an unfinished one: see `pending`.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._line: list[str] = []
        self._line_chars = 0
        self._last = "\n"

    def feed(self, data: bytes) -> str:
        """The text of the lines that `data` completed."""
        return self._take(self._decoder.decode(data))

    def feed_text(self, text: str) -> str:
        """The same for text that is decoded already; lone surrogates (undecodable file names) are replaced."""
        return self._take(_SURROGATE.sub("\ufffd", text))

    def finish(self, data: bytes = b"") -> str:
        """The rest, when nothing more will come; the cleaner is then as new."""
        text = self._take(self._decoder.decode(data, final=True)) + self._emit(_draw("".join(self._line)))
        self._held, self._line, self._line_chars, self._last = "", [], 0, "\n"
        return text

    @property
    def pending(self) -> str:
        """The unfinished last line as a terminal would show it now."""
        return _STRAY_JOINER.sub("", _draw("".join(self._line)))

    def _take(self, text: str) -> str:
        text = self._strip(text)
        head, newline, tail = text.rpartition("\n")
        done = ""
        if newline:
            done = _draw_lines("".join([*self._line, head, "\n"]))
            self._line, self._line_chars = [], 0
        self._line.append(tail)
        self._line_chars += len(tail)
        if self._line_chars >= LINE_CHARS:
            whole = "".join(self._line)
            cut = len(whole) - len(whole) % LINE_CHARS
            done += _draw(whole[:cut])
            self._line, self._line_chars = [whole[cut:]], len(whole) - cut
        return self._emit(done)

    def _strip(self, text: str) -> str:
        """Remove control sequences; what may still go on in the next piece is held back, shortened to what matters."""
        text = self._held + _LINE_SEPARATOR.sub(" ", _IGNORED.sub("", text))
        self._held = ""
        if not _INTRODUCER.search(text):
            return _SEQUENCE.sub("", text)
        start = max(map(text.rfind, "\x1b\x90\x98\x9b\x9d\x9e\x9f"))
        if unfinished := _UNFINISHED.fullmatch(text, start):
            self._held = _shorten(unfinished)
            text = text[:start]
        for sequence, mark in _DRAWING:
            text = sequence.sub(mark, text)
        return _SEQUENCE.sub("", text)

    def _emit(self, text: str) -> str:
        if not text:
            return ""
        if any(joiner in text for joiner in _JOINERS):
            before = "a" if self._last in _JOINERS else self._last
            text = _STRAY_JOINER.sub("", before + text)[1:]
        self._last = text[-1:] or self._last
        return text


def clean_text(data: bytes | str) -> str:
    """Text of `data` (UTF-8, invalid bytes replaced) as a terminal would finally show it, without anything that acts.

    Control sequences, control characters except line feed and tab, bidi controls and invisible characters are
    gone; of a line that was redrawn with carriage returns or backspaces the last state is kept. Linear in time.
    """
    cleaner = StreamCleaner()
    if isinstance(data, bytes):
        return cleaner.finish(data)
    return cleaner.feed_text(data) + cleaner.finish()


def one_line(text: bytes | str, width: int = 80) -> str:
    """`text` on one line of at most `width` terminal columns, for titles and file names; a cut one ends in `…`."""
    line = " ".join(clean_text(text[: width * 64]).split())
    columns, kept = 0, len(line)
    for index, char in enumerate(line):
        columns += _columns(char)
        if columns <= width - 1:
            kept = index + 1
        if columns > width:
            return line[:kept] + "…"
    return line


def _columns(char: str) -> int:
    if unicodedata.combining(char) or char in _JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _shorten(unfinished: re.Match[str]) -> str:
    text = unfinished.group()
    match unfinished.lastgroup:
        case "csi":
            return text if len(text) <= 3 else "\x1b[;;"
        case "string":
            return text[: 2 if text[0] == "\x1b" else 1]
        case _:
            return text[:2]


def _draw_lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    if len(text) < LINE_CHARS and not _REDRAWN.search(text):
        return text.replace(_ERASE_REST, "")
    return "\n".join(map(_draw, text.split("\n")))


def _draw(line: str) -> str:
    """What a terminal shows of `line` in the end, with one cell a character."""
    if len(line) > LINE_CHARS:
        return "".join(_draw(line[i : i + LINE_CHARS]) for i in range(0, len(line), LINE_CHARS))
    if not _REDRAWN.search(line):
        return line.replace(_ERASE_REST, "")
    cells: list[str] = []
    cursor = 0
    for token in _DRAWN.findall(line.rstrip("\r")):
        match token:
            case "\r":
                cursor = 0
            case "\b":
                cursor = max(0, cursor - 1)
            case "\x01":
                del cells[cursor:]
            case "\x02":
                cells, cursor = [], 0
            case _:
                cells[cursor : cursor + len(token)] = token
                cursor += len(token)
    return "".join(cells).rstrip(" ")
