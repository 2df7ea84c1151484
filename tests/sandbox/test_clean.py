import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glmcode_sandbox import clean
from glmcode_sandbox.clean import StreamCleaner, clean_text, one_line

PIECES = st.sampled_from(
    [
        "a",
        "é",
        "你",
        "👩",
        "\x07",
        "\x00",
        "\x01",
        "\x02",
        "\x18",
        "\x1a",
        "\x7f",
        "\x1b",
        "\x1b[",
        "\x9b",
        "[",
        "]",
        "P",
        "K",
        "0K",
        "2K",
        "G",
        "1;31m",
        "\\",
        "\x1b]0;",
        "\x1bP",
        "\x9d",
        "\x1b(B",
        "\u200b",
        "\u200c",
        "\u200d",
        "\u202e",
        "\u2028",
        "\ufeff",
        "\U000e0041",
        "️",
        "\n",
        "\r",
        "\x08",
        "\t",
        "\x9c",
        " ",
    ]
)
HOSTILE = st.lists(PIECES | st.characters(), max_size=60).map("".join)
DATA = st.binary(max_size=200) | HOSTILE.map(lambda text: text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m plain", "red plain"),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b]52;c;ZXZpbA==\x07ok", "ok"),
        (b"\x1bPq#0\x1b\\ok\x1b_Ga=T\x1b\\ok", "okok"),
        ("\x9b31mred\x9d0;t\x9cx".encode(), "redx"),
        (b"\x9b31m", "\ufffd31m"),
        (b"a\x1b]0;never ended\nnext line", "a\nnext line"),
        (b"a\x1b[", "a"),
        (b"a\x1b", "a"),
        (b"\x1b(Btext\x1bctext", "texttext"),
        (b"one\r\ntwo\r\n", "one\ntwo\n"),
        (b" 10%\r 50%\r100%\n", "100%\n"),
        (b"downloading\r\x1b[Kdone\n", "done\n"),
        (b"abc\x1b[2K\x1b[1Gxy\n", "xy\n"),
        (b"long text\rab\n", "abng text\n"),
        (b"N\bNA\bA_\bM", "NAM"),
        (b"file.py\x1b[m\x1b[K:match\n", "file.py:match\n"),
        (b"tab\there\x00\x07\x0b\x0c", "tab\there"),
        ("a\u202eb\u2066c\u200f\u061c\u200b\u2060\ufeff".encode(), "abc"),
        ("hi\U000e0068\U000e0069".encode(), "hi"),
        ("pass\u200dword \u200d".encode(), "password "),
        ("👩\u200d💻 می\u200cخواهم".encode(), "👩\u200d💻 می\u200cخواهم"),
        ("é\u200d\u200d\u200cx".encode(), "é\u200dx"),
        ("a\u2028b".encode(), "a b"),
        ("你好\n".encode(), "你好\n"),
        ("\udcff name", "\ufffd name"),
    ],
)
def test_shows_what_a_terminal_shows_in_the_end(raw: bytes | str, shown: str) -> None:
    assert clean_text(raw) == shown


@given(DATA)
def test_nothing_that_acts_is_left(data: bytes) -> None:
    text = clean_text(data)
    text.encode()
    assert not [c for c in text if c not in "\n\t\u200c\u200d" and unicodedata.category(c) in ("Cc", "Cs")]
    assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
    assert not set(text) & set("\u200b\u2060\ufeff\u2028\u2029\U000e0041")


@given(DATA)
@example("é\u200d\ra".encode())
def test_cleaning_twice_changes_nothing(data: bytes) -> None:
    once = clean_text(data)
    assert clean_text(once) == once
    assert clean_text(once.encode()) == once


@given(DATA, st.data())
def test_splits_make_no_difference(data: bytes, choose: st.DataObject) -> None:
    cuts = sorted(choose.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    cleaner = StreamCleaner()
    text = "".join(cleaner.feed(data[a:b]) for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True))
    assert text + cleaner.finish() == clean_text(data)


@given(st.text())
@settings(max_examples=50)
def test_plain_text_stays(text: str) -> None:
    plain = "".join(c for c in text if unicodedata.category(c)[0] in "LNPS" and c not in "\u180e\u3164") + "\n"
    assert clean_text(plain.encode()) == plain


def test_a_line_without_end_is_given_out_in_pieces_and_splits_still_make_no_difference() -> None:
    data = b"x" * (clean.LINE_CHARS - 2) + b"ab\rcd" * 70_000 + b"\r\nend"
    cleaner = StreamCleaner()
    pieces = [cleaner.feed(data[i : i + 1000]) for i in range(0, len(data), 1000)]
    assert max(i for i, piece in enumerate(pieces) if piece) > min(i for i, piece in enumerate(pieces) if piece)
    assert "".join(pieces) + cleaner.finish() == clean_text(data)


def test_pending_shows_the_unfinished_line() -> None:
    cleaner = StreamCleaner()
    assert cleaner.feed(b"first\n 10%\r 20%") == "first\n"
    assert cleaner.pending == " 20%"
    assert cleaner.feed(b"\r100%\n") == "100%\n"
    assert cleaner.pending == ""
    assert cleaner.feed(b"tail") + cleaner.finish() == "tail"
    assert cleaner.feed(b"new\n") == "new\n"


@pytest.mark.parametrize(
    "unit",
    [b"\x1b", b"\x1b]", b"\x1b[1", b"\rabc", b"\b", b"x\x1b[2Ky", b"\x1b]a", b"\xc2\x9b", b"\xe2\x80\x8d", b"a\n"],
)
def test_time_grows_linearly_with_hostile_input(unit: bytes) -> None:
    data = unit * (2_000_000 // len(unit))
    started = time.process_time()
    clean_text(data)
    cleaner = StreamCleaner()
    for i in range(0, len(data), 512):
        cleaner.feed(data[i : i + 512])
    cleaner.finish()
    assert time.process_time() - started < 8


@pytest.mark.parametrize(
    ("text", "width", "line"),
    [
        ("a\nb\tc  d", 20, "a b c d"),
        ("\x1b]0;x\x07name\r\nnext", 20, "name next"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("你好世界", 8, "你好世界"),
        ("你好世界", 7, "你好世…"),
        ("\udce9.py", 10, "\ufffd.py"),
        (b"\xff", 10, "\ufffd"),
    ],
)
def test_one_line_fits_the_width(text: str | bytes, width: int, line: str) -> None:
    assert one_line(text, width) == line
