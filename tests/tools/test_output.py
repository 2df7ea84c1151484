"""Rendering of output."""

from hypothesis import given
from hypothesis import strategies as st

from glmcode_sandbox.base import ExecResult
from glmcode_sandbox.clean import clean_text
from glmcode_tools.output import binary_kind, clip_lines, render_output


def test_short_output_stays_as_it_is() -> None:
    assert render_output(b"one\ntwo\n") == ("one\ntwo\n", False)


def test_middle_is_left_out_at_line_ends_with_counts() -> None:
    text = "".join(f"line {i}\n" for i in range(10_000))
    shown, clipped = render_output(text, 1000)
    assert clipped
    assert shown.startswith("line 0\nline 1\n")
    assert shown.endswith("line 9998\nline 9999\n")
    lines = shown.splitlines()
    gap = next(line for line in lines if line.startswith("[..."))
    left_out = int(gap.split()[1].replace(",", ""))
    assert left_out + len(lines) - 1 == 10_000
    assert len(shown) < 1300


def test_gap_of_the_sandbox_is_told_in_bytes() -> None:
    result = ExecResult(0, b"head\n" + b"tail\n", 1_000_010, 0.1, head_bytes=5)
    shown, clipped = render_output(result)
    assert clipped
    assert shown.startswith("head\n[... about 1,000,000 bytes left out")
    assert shown.endswith("tail\n")


def test_long_line_is_cut_and_says_so() -> None:
    shown, clipped = render_output("x" * 5000 + "\nend\n")
    assert clipped
    assert "[... 3,000 more characters in this line]\nend\n" in shown


def test_binary_is_named() -> None:
    shown, clipped = render_output(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    assert clipped
    assert shown == "[5,128 bytes of output, not text (a PNG image): not shown]"


def test_nul_separated_names_are_shown_as_lines() -> None:
    assert render_output(b"a.py\0b.py\0") == ("a.py\nb.py\n", False)


def test_escape_sequences_are_gone() -> None:
    assert render_output(b"\x1b[31mred\x1b[0m \x1b]0;title\x07plain") == ("red plain", False)


def test_unknown_bytes_are_called_binary_data() -> None:
    assert binary_kind(b"\x01\x02") == "binary data"


@given(st.text(max_size=3000), st.integers(20, 500))
def test_clipped_text_is_clean_and_bounded(text: str, limit: int) -> None:
    shown = clip_lines(text, limit)
    assert clean_text(shown) == shown
    assert len(shown) < limit + 300


@given(st.binary(max_size=2000))
def test_any_bytes_are_rendered(data: bytes) -> None:
    shown, _ = render_output(data, 200)
    assert all(char in "\n\t" or char >= " " for char in shown)
