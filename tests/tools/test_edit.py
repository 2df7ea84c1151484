"""The edit tool: what it matches, what it keeps, what it refuses."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glmcode_tools.base import ToolContext, ToolOutput
from glmcode_tools.edit import EditArguments, EditTool, replace
from glmcode_tools.match import find
from tests.fakes import FakeSandbox

TEXT = st.text(alphabet="ab \n\t", max_size=60)


async def edit(data: bytes | str, old: str, new: str, *, every: bool = False) -> tuple[ToolOutput, bytes]:
    sandbox = FakeSandbox({"f.py": data})
    arguments = EditArguments(path="f.py", old=old, new=new, replace_all=every)
    output = await EditTool().run(arguments, ToolContext(sandbox=sandbox))
    return output, sandbox.files["f.py"]


async def test_exact_piece_is_replaced() -> None:
    output, data = await edit("a = 1\nb = 2\n", "b = 2", "b = 3")
    assert data == b"a = 1\nb = 3\n"
    assert not output.is_error
    assert output.text == "Edited f.py at line 2: +1 -1."
    assert output.details is not None
    assert "-b = 2\n+b = 3\n" in output.details["diff"]


@pytest.mark.parametrize(
    ("data", "old", "new", "wanted"),
    [
        ("a\r\nb\r\nc\r\n", "a\nb\n", "x\ny\nz\n", "x\r\ny\r\nz\r\nc\r\n"),
        ("a\r\nb\r\n", "b", "b\nc", "a\r\nb\r\nc\r\n"),
        ("a\nb\nc\n", "a\r\nb\r\n", "x\r\ny\r\n", "x\ny\nc\n"),
        ("a\r\nb\nc\nd\n", "a\nb", "x\ny", "x\r\ny\nc\nd\n"),
        ("a\r\n\nb\r\n", "\nb", "\nc", "a\r\n\nc\r\n"),
    ],
)
async def test_line_endings_of_the_file_are_kept(data: str, old: str, new: str, wanted: str) -> None:
    output, after = await edit(data, old, new)
    assert not output.is_error
    assert after == wanted.encode()


async def test_indentation_is_shifted_as_a_whole() -> None:
    data = "class A:\n    def f(self):\n        if x:\n            return 1\n\n        return 2\n"
    old = "if x:\n    return 1\n\nreturn 2"
    output, after = await edit(data, old, "if y:\n    return 3\n\nreturn 4")
    assert after.decode() == "class A:\n    def f(self):\n        if y:\n            return 3\n\n        return 4\n"
    assert "matched apart from indentation" in output.text


async def test_indentation_can_be_less_in_the_file() -> None:
    output, after = await edit("if x:\n    y()\n", "    if x:\n        y()\n", "    if x:\n        z()\n")
    assert not output.is_error
    assert after == b"if x:\n    z()\n"


async def test_uneven_indentation_does_not_match() -> None:
    output, after = await edit("  if x:\n      y()\n", "if x:\n  y()\n", "if x:\n  z()\n")
    assert output.is_error
    assert after == b"  if x:\n      y()\n"


async def test_last_line_without_line_feed_matches_and_stays_so() -> None:
    output, after = await edit("a\nb", "a\nb\n", "a\nc\n")
    assert not output.is_error
    assert after == b"a\nc"


async def test_several_matches_are_refused_with_their_lines() -> None:
    output, after = await edit("x\ny\nx\ny\nx\n", "x", "z")
    assert output.is_error
    assert "occurs 3 times in f.py (lines 1, 3, 5)" in output.text
    assert after == b"x\ny\nx\ny\nx\n"


async def test_several_matches_up_to_indentation_are_refused_too() -> None:
    output, _ = await edit("if a:\n  x = 1\n  y = 2\nif b:\n    x = 1\n    y = 2\n", "x = 1\ny = 2\n", "z")
    assert output.is_error
    assert "occurs 2 times" in output.text


async def test_replace_all_replaces_every_one() -> None:
    output, after = await edit("aaa b aa\n", "aa", "c", every=True)
    assert not output.is_error
    assert after == b"ca b c\n"


@pytest.mark.parametrize("old", ["", "  \n\t"])
async def test_blank_old_is_refused(old: str) -> None:
    output, after = await edit("a\n", old, "b")
    assert output.is_error
    assert "empty or blank" in output.text
    assert after == b"a\n"


async def test_missing_piece_shows_the_nearest_lines() -> None:
    data = "".join(f"def function_{i}(value):\n    return value + {i}\n\n" for i in range(300))
    output, _ = await edit(data, "def function_250(value):\n    return value - 250\n", "x")
    assert output.is_error
    assert "   751\tdef function_250(value):\n   752\t    return value + 250" in output.text


async def test_nothing_similar_says_so() -> None:
    output, _ = await edit("alpha\nbeta\n", "zzzzzzzzzzzz qqqqqqqq", "x")
    assert "Nothing in it is similar" in output.text


async def test_failure_in_a_large_file_is_quick() -> None:
    data = "".join(f"value_{i} = compute(value_{i % 97}, {i * 7919 % 10007})\n" for i in range(100_000))
    output, _ = await edit(data, "value_5 = compote(value_5, 1)\nnothing like it\n", "x")
    assert output.is_error


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
async def test_encoding_and_mark_are_kept(encoding: str) -> None:
    data = "größe = 1\nende = 2\n".encode(encoding)
    output, after = await edit(data, "ende = 2", "ende = 3")
    assert not output.is_error
    assert after == "größe = 1\nende = 3\n".encode(encoding)


async def test_character_that_the_encoding_lacks_is_refused() -> None:
    data = "größe = 1\n".encode("latin-1")
    output, after = await edit(data, "1", "\u2192")
    assert output.is_error
    assert "latin-1" in output.text
    assert after == data


async def test_binary_file_is_refused() -> None:
    output, _ = await edit(b"\x7fELF\0\0\xff", "ELF", "x")
    assert output.is_error
    assert "an ELF program" in output.text


async def test_edit_without_effect_is_an_error() -> None:
    output, _ = await edit("a\r\nb\r\n", "a\nb\n", "a\r\nb\r\n")
    assert output.is_error
    assert "the same" in output.text


async def test_missing_and_outside_files_are_errors() -> None:
    context = ToolContext(sandbox=FakeSandbox({"f.py": "a"}))
    for path, text in (("g.py", "there is no g.py"), ("../g.py", "outside")):
        output = await EditTool().run(EditArguments(path=path, old="a", new="b"), context)
        assert output.is_error
        assert text in output.text


@given(TEXT, TEXT, TEXT)
def test_only_the_match_changes(before: str, old: str, after: str) -> None:
    assume(old.strip())
    text = before + old + after
    found = find(text, old, "NEW", "\n")
    assert found.how == "exact"
    for match in found.matches:
        changed = replace(text, [match])
        assert changed == text[: match.start] + "NEW" + text[match.end :]
        assert text[match.start : match.end] == old


@given(TEXT, TEXT, st.text(alphabet="cd\n", min_size=1, max_size=20), TEXT, st.booleans())
def test_there_and_back_is_the_same_text(before: str, old: str, new: str, after: str, crlf: bool) -> None:
    assume(old.strip() and new.strip())
    newline = "\r\n" if crlf else "\n"
    text = (before + old + after).replace("\n", newline)
    there = find(text, old, new, newline)
    assume(len(there.matches) == 1 and there.how != "indentation")
    changed = replace(text, there.matches)
    back = find(changed, new, old, newline)
    assume(len(back.matches) == 1)
    assert replace(changed, back.matches) == text


@given(
    st.lists(st.text(alphabet="xyz ", min_size=1, max_size=8).map(str.strip).filter(bool), min_size=1, max_size=6),
    st.sampled_from(["  ", "\t", "    "]),
)
def test_shifted_block_is_found_and_shifted_back(lines: list[str], indent: str) -> None:
    block = "".join(f"{line}\n" for line in lines)
    text = "top\n" + "".join(f"{indent}{line}\n" for line in lines) + "bottom\n"
    found = find(text, "top2\n" + block, "q\n" + block, "\n")
    assert found.matches == ()
    wanted = "".join(f"{indent}{line}!\n" for line in lines)
    found = find(text, block, block.replace("\n", "!\n"), "\n")
    if found.how == "indentation":
        assert replace(text, found.matches) == f"top\n{wanted}bottom\n"
