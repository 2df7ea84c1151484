import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from glmcode.tui.transcript.blocks import CODE_LINES, MAX_OPEN_CHARS, Blocks
from glmcode.tui.transcript.calls import call_lines, duration
from glmcode.tui.transcript.copying import raw_code, raw_text
from glmcode.tui.transcript.diff import diff_lines
from glmcode.tui.transcript.entries import Answer, Call, Entry, Note, Thinking, UserSaid
from glmcode.tui.transcript.entry_lines import entry_lines
from glmcode.tui.transcript.growing import Growing
from glmcode.tui.transcript.lines import Line, Run, cells, flow
from glmcode.tui.transcript.markdown import MarkdownLines
from glmcode.tui.transcript.wrapping import chop, wrap
from glmcode_sandbox.clean import clean_text
from tests.tui.transcript.conversations import ANSWER, ANSWER_ZH, DIFF

HOSTILE = [
    "[red]x[/red] [/] [@click=app.quit]y[/] [bold",
    "\x1b]0;title\x07\x1b[31mred\x1b[2J\x1bc",
    "a\u202eb\u2066c\u200bd\x00e\x08f\rg",
    "\tone\ttwo",
    "漢字かな交じり文👩‍👩‍👧‍👦🇩🇪é",
    "- [ ] a\n  - b\n> c\n```\n[red]\x1b[0m",
    "| a | b |\n|---|---|\n| \x1b[1m | [@click=quit]x[/] |",
    "<script>alert(1)</script>&amp; ![x](javascript:y)",
]  # fmt: skip


def shown(lines: list[Line]) -> list[str]:
    return ["".join(run.text for run in (*line.lead, *line.runs)) for line in lines]


def answer(text: str, width: int = 60) -> list[str]:
    return shown(MarkdownLines(width).lines(text))


_ANY = st.text(st.sampled_from("ab  ，。（中文é👍\u200d·"), max_size=60).map(clean_text)


@given(_ANY, st.integers(2, 20))
def test_wrapped_lines_fit_and_nothing_but_spaces_at_breaks_is_lost(text: str, width: int) -> None:
    for spans in (wrap(text, width), chop(text, width)):
        pieces = [text[start:end] for start, end in spans]
        assert all(cell_len(piece.rstrip(" ")) <= width for piece in pieces)
        assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert "".join(text[start:end] for start, end in chop(text, width)) == text


def test_words_stay_whole_and_chinese_breaks_between_characters_but_not_before_its_points() -> None:
    text = "one two three"
    assert [text[a:b] for a, b in wrap(text, 8)] == ["one two", "three"]
    text = "测试换行，标点"
    assert [text[a:b] for a, b in wrap(text, 8)] == ["测试换", "行，标点"]
    text = "（aa中，"
    assert [text[a:b] for a, b in wrap(text, 3)] == ["（a", "a", "中", "，"]
    text = "use 中文 words"
    assert [text[a:b] for a, b in wrap(text, 6)] == ["use 中", "文", "words"]


@given(st.lists(_ANY, max_size=5), st.integers(2, 20))
def test_the_runs_of_broken_lines_are_the_text_and_join_again(texts: list[str], width: int) -> None:
    lines = flow([Run(text, str(number)) for number, text in enumerate(texts)], width)
    joined = "".join((line.joins or "") + line.text for line in lines)
    assert joined.rstrip(" ") == "".join(texts).rstrip(" ")


_BLOCKS = ["# h\n", "text ", "more\n", "\n", "- a\n", "  - b\n", "1. c\n", "> q\n", "***\n", "|a|b|\n", "|-|-|\n"]
_PARTS = [*_BLOCKS, "```py\n", "x = 1\n", "```\n", "**b** ", "`c", "` ", "<b>", "\t"]


@given(st.lists(st.sampled_from(_PARTS), max_size=25), st.integers(1, 9))
def test_streamed_markdown_ends_as_the_whole_text_looks(parts: list[str], size: int) -> None:
    text = "".join(parts)
    whole = answer(text)
    streamed = MarkdownLines(60)
    for end in range(0, len(text), size):
        streamed.lines(text[:end])
    assert shown(streamed.lines(text)) == whole


@given(st.text(st.sampled_from("#*`_[]()<>|-+~!\\&\n\t \x1b\x00\u202ea1中👍"), max_size=80), st.integers(10, 40))
def test_any_markdown_is_shown_within_its_width(text: str, width: int) -> None:
    for line in MarkdownLines(width).lines(text):
        assert cells((*line.lead, *line.runs)) <= max(width, 24)
        assert not re.search("[\x00-\x1f\x7f\u202e]", line.text)


def test_an_answer_shows_its_blocks() -> None:
    lines = answer(ANSWER)
    assert lines[0] == "The year was cut to two digits, so 2024-05 became the year"
    assert " def parse(text: str) -> date:" in lines
    assert "2024-05 │ year 20 │ year 2024" in lines
    assert lines[-3:] == ["1. Fixed the slice", "2. Ran the tests", "   ◦ all 14 pass"]


def test_a_link_shows_where_it_leads() -> None:
    assert answer("[docs](https://evil.example)") == ["docs (https://evil.example)"]


def test_code_has_colours_and_a_table_that_is_too_wide_becomes_a_list() -> None:
    code = MarkdownLines(60).lines("```python\ndef f(): pass\n```\n")[0]
    assert (code.fill, code.runs[0]) == ("code", Run("def", "code-keyword"))
    assert answer("|a|b|c|\n|-|-|-|\n|one one|two two|three 3|\n", 16) == ["a: one one", "b: two two", "c: three 3"]


def test_only_the_last_block_is_open_and_long_code_settles_while_it_streams() -> None:
    blocks = Blocks()
    blocks.feed("one\n\ntwo\n\n```py\n" + "x = 1\n" * (CODE_LINES + 3))
    assert [block.language for block in blocks.settled] == [None, None, "py"]
    assert len(blocks.open) == 1 and blocks.open[0].source.count("\n") == 2
    blocks.feed("```\nafter")
    assert [block.source for block in blocks.open] == ["after"]
    blocks = Blocks()
    blocks.feed("word " * 20_000)
    assert sum(len(block.source) for block in blocks.open) < 2 * MAX_OPEN_CHARS


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_is_interpreted_or_reaches_the_screen_raw(text: str) -> None:
    entries: list[Entry] = [
        UserSaid(text),
        Answer(Growing(text), done=True),
        Thinking(Growing(text), done=True),
        Call("1", text, text, "ok", text, text=text, details={"diff": f"@@ -1 +1 @@\n+{text}"}, duration_s=1.0),
        Call("1", "run_tests", text, "ok", text, text=text, details={"passed": 1, "failed": 1, "failing": [text]}),
        Note("error", "failure", (("error", "x"), ("message", text))),
    ]
    for entry in entries:
        lines = entry_lines(entry, 40, opened=True)
        assert lines
        for line in lines:
            assert cells((*line.lead, *line.runs)) <= 40
            assert not re.search("[\x00-\x1f\x7f\x9b\u202e\u2066\u200b]", "".join(shown([line])))
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", raw_text(entry) or "")


def test_markup_is_text_in_every_kind_of_entry() -> None:
    text = HOSTILE[0]
    entries: list[Entry] = [
        UserSaid(text),
        Answer(Growing(text)),
        Thinking(Growing(text)),
        Call("1", "shell", text, "ok", text=text),
        Call("1", "edit", "edit", "ok", details={"diff": f"@@ -1 +1 @@\n+{text}"}),
        Note("info", "plain", (("text", text),)),
    ]
    assert [any(text in line.text for line in entry_lines(entry, 90, opened=True)) for entry in entries] == [True] * 6


def test_a_megabyte_on_one_line_and_a_hundred_thousand_lines_are_laid_out_in_short_time() -> None:
    began = time.process_time()
    line = Call("1", "shell", "t", "ok", text="x" * 1_000_000)
    assert len(call_lines(line, 80, opened=True)) < 6_000
    many = Call("1", "shell", "t", "ok", text="".join(f"line {number}\n" for number in range(100_000)))
    lines = shown(call_lines(many, 80, opened=True))
    assert lines[1].strip() == "line 0" and lines[-1].strip() == "line 99999"
    assert len(answer("y" * 1_000_000, 80)) >= 1_000_000 // 80
    assert time.process_time() - began < 10


def test_a_diff_has_the_numbers_of_both_sides() -> None:
    lines = diff_lines(DIFF, 60)
    assert shown(lines)[2:4] == ["11 -     year = int(text[:2])", "11 +     year = int(text[:4])"]
    assert [line.fill for line in lines] == ["", "", "removed", "added", "", ""]


def test_a_folded_call_fits_on_one_line_whatever_its_length() -> None:
    call = Call(
        "1", "shell", "shell: " + "make everything " * 20, "ok", "exit code 0 " * 20, text="out", duration_s=2.0
    )
    (line,) = call_lines(call, 60, opened=False)
    assert cells(line.runs) <= 60 and line.text.endswith(" · 2.0 s") and "exit code" in line.text


def test_a_tests_table_counts_and_names_what_fails() -> None:
    details: dict[str, object] = {"passed": 13, "failed": 1, "skipped": 0, "failing": ["tests/t.py::test_x"]}
    lines = shown(call_lines(Call("1", "run_tests", "run_tests", "ok", text="log", details=details), 60, opened=True))
    assert lines[1:3] == ["  13 passed   1 failed   0 skipped", "  ✗ tests/t.py::test_x"]


def test_copies_are_the_source() -> None:
    entry = Answer(Growing(ANSWER_ZH + "\n```py\na = 1\n```\n\n> ```sh\n> ls\n> ```\n\x1b[2J"), done=True)
    assert (raw_text(entry) or "").startswith(ANSWER_ZH)
    assert raw_code(entry)[-2:] == ["a = 1", "ls"]
    assert raw_text(Call("1", "edit", "edit a", "ok", text="Edited.", details={"diff": DIFF})) == DIFF


def test_durations_read_well() -> None:
    assert [duration(seconds) for seconds in (0.04, 9.96, 42.4, 185.0)] == ["0.0 s", "10.0 s", "42 s", "3 m 05 s"]


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        ("read a.py (58 lines)", "● read a.py · 58 lines"),
        ("created a.py (+3)", "● read a.py · created a.py (+3)"),
        ("read a.pyc (1 line)", "● read a.py · read a.pyc (1 line)"),
    ],
)
def test_a_call_does_not_say_its_title_twice(summary: str, line: str) -> None:
    assert shown(call_lines(Call("c", "read", "read a.py", "ok", summary), 60, opened=False)) == [line]
