from hypothesis import given
from hypothesis import strategies as st

from glmcode.editor.acp.diffs import pairs
from glmcode_tools.filetext import lines_of, unified_diff
from glmcode_tools.output import clip_lines

LINES = st.lists(
    st.sampled_from(["a", "b", "", "-x", "+y", "@@ -1 +1 @@", "\\ No newline at end of file", "--- a/f"]), max_size=30
)


def joined(lines: list[str], end: bool) -> str:
    return "\n".join(lines) + ("\n" if lines and end else "")


@given(LINES, LINES, st.booleans(), st.booleans())
def test_pairs_are_the_pieces_that_changed(one: list[str], other: list[str], one_ends: bool, other_ends: bool) -> None:
    old, new = joined(one, one_ends), joined(other, other_ends)
    diff, *_ = unified_diff(lines_of(old), lines_of(new), "f", context=100)
    found = pairs(diff, "/f")
    if old == new:
        assert found == []
    else:
        ((before, after),) = [(each.old_text, each.new_text) for each in found]
        assert (before, after) == (old, new)


def test_a_new_file_has_no_old_text_and_places_far_apart_are_pairs_of_their_own() -> None:
    text = [f"{number}\n" for number in range(100)]
    created, *_ = unified_diff([], text, "f")
    (whole,) = pairs(created, "/f", created=True)
    assert whole.old_text is None and whole.new_text == "".join(text)
    changed = ["x\n", *text[1:50], "y\n", *text[51:]]
    two, *_ = unified_diff(text, changed, "f")
    assert [(each.old_text, each.new_text.split("\n")[0]) for each in pairs(two, "/f")] == [
        ("0\n1\n2\n3\n", "x"),
        ("47\n48\n49\n50\n51\n52\n53\n", "47"),
    ]


def test_a_clipped_diff_gives_what_is_left_of_it() -> None:
    old = [f"old {number}\n" for number in range(2000)]
    diff, *_ = unified_diff(old, [f"new {number}\n" for number in range(2000)], "f")
    (piece,) = pairs(clip_lines(diff, 2000), "/f")
    assert piece.old_text and piece.old_text.startswith("old 0\n") and "left out" not in piece.old_text + piece.new_text
