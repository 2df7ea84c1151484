"""Encodings, names and diffs of files."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_sandbox.clean import clean_text
from glmcode_tools.filetext import decode_file, display_name, lines_of, unified_diff, visible


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        ("häuser\n".encode(), "utf-8", "häuser\n"),
        (b"\xef\xbb\xbfbom\n", "utf-8", "bom\n"),
        ("häuser\n".encode("latin-1"), "latin-1", "häuser\n"),
        ("bom\n".encode("utf-16"), "utf-16-le", "bom\n"),
        ("no bom at all\n".encode("utf-16-be"), "utf-16-be", "no bom at all\n"),
        (b"", "utf-8", ""),
    ],
)
def test_text_is_recognised_and_written_back_unchanged(data: bytes, encoding: str, text: str) -> None:
    file = decode_file(data)
    assert file is not None
    assert (file.encoding, file.text) == (encoding, text)
    assert file.encode(file.text) == data


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x00\x00\xff", b"\x80\x01\x02\x03\x04\x05", b"ab\0cd\xff"])
def test_binary_is_not_text(data: bytes) -> None:
    assert decode_file(data) is None


@given(st.binary(max_size=300))
def test_whatever_is_text_survives_byte_for_byte(data: bytes) -> None:
    file = decode_file(data)
    assert file is None or file.encode(file.text) == data


@pytest.mark.parametrize(("text", "newline"), [("a\r\nb\r\n", "\r\n"), ("a\nb\r\nc\n", "\n"), ("", "\n")])
def test_newline_is_that_of_most_lines(text: str, newline: str) -> None:
    file = decode_file(text.encode())
    assert file is not None
    assert file.newline == newline


def test_nothing_in_a_line_is_hidden() -> None:
    assert visible("a\u202eb\x1b[31mc\rd\te") == "a<U+202E>b<U+001B>[31mc<U+000D>d\te"


@given(st.text())
def test_visible_lines_are_clean(line: str) -> None:
    shown = visible(line.replace("\n", ""))
    assert clean_text(shown) == shown


@pytest.mark.parametrize("name", [b"plain name.py", "grüße.txt".encode(), b"new\nline", b"\xff\xfe", b"it's\x1b[1m"])
def test_odd_names_can_be_pasted_into_bash(name: bytes) -> None:
    shown = display_name(name)
    assert "\n" not in shown and "\x1b" not in shown
    if shown.startswith("$'"):
        echoed = subprocess.run(["bash", "-c", f"printf %s {shown}"], capture_output=True, check=True)
        assert echoed.stdout == name
    else:
        assert shown.encode() == name


@given(st.text(alphabet="ab\n\r\x0b\u2028"))
def test_lines_end_at_line_feeds_only(text: str) -> None:
    lines = lines_of(text)
    assert "".join(lines) == text
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines[:-1])


def test_distant_changes_become_hunks_of_their_own() -> None:
    old = [f"{i}\n" for i in range(1000)]
    new = ["first\n", *old[1:999], "last"]
    diff, added, removed = unified_diff(old, new, "a.txt")
    assert (added, removed) == (2, 2)
    assert diff.count("@@ -") == 2
    assert diff.endswith("+last\n\\ No newline at end of file\n")


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_diff_counts_what_it_shows(old: list[str], new: list[str]) -> None:
    diff, added, removed = unified_diff([f"{x}\n" for x in old], [f"{x}\n" for x in new], "f")
    body = diff.splitlines()[2:]
    assert added == sum(line.startswith("+") for line in body)
    assert removed == sum(line.startswith("-") for line in body)
    assert bool(diff) == (old != new)


def test_diff_applies_with_git(tmp_path: Path) -> None:
    old = "".join(f"line {i}\n" for i in range(40))
    new = old.replace("line 3\n", "line three\nmore\n").replace("line 30\n", "")
    (tmp_path / "f.txt").write_text(old)
    diff, _, _ = unified_diff(lines_of(old), lines_of(new), "f.txt")
    subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "f.txt").read_text() == new
