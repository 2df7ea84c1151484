import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.tui.prompt.draft import Draft
from glmcode.tui.prompt.pastes import Pastes, cleaned, is_large
from glmcode.tui.texts import speak

LARGE = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda part: f"{part}\n" * 9)


@given(st.lists(st.tuples(st.text(max_size=20), LARGE), max_size=5), st.text(max_size=20))
def test_what_is_folded_is_sent_as_it_was_pasted(parts: list[tuple[str, str]], end: str) -> None:
    pastes = Pastes()
    draft = "".join(before + pastes.fold(content) for before, content in parts) + end
    whole = "".join(before + content for before, content in parts) + end
    assert pastes.expanded(draft) == whole
    assert pastes.expanded(pastes.folded(whole)) == whole
    kept = Draft.from_json(Draft(draft, pastes.used_in(draft)).as_json())
    assert kept is not None and Pastes(dict(kept.pastes)).expanded(kept.text) == whole


def test_placeholders_inside_pastes_and_made_up_ones_stay_text() -> None:
    pastes = Pastes()
    first = pastes.fold("a\n" * 9)
    second = pastes.fold(f"see {first}\n" * 9)
    assert pastes.expanded(f"{second} [pasted 7 lines #9]") == f"see {first}\n" * 9 + " [pasted 7 lines #9]"


def test_a_draft_from_elsewhere_keeps_its_own_pastes() -> None:
    pastes = Pastes()
    mine = pastes.fold("mine\n" * 9)
    adopted = pastes.adopted(f"theirs: {mine}", {mine: "theirs\n" * 9})
    assert pastes.expanded(f"{mine}|{adopted}") == "mine\n" * 9 + "|theirs: " + "theirs\n" * 9


def test_more_than_nine_pastes_are_told_apart() -> None:
    pastes = Pastes()
    names = [pastes.fold(f"{number}\n" * 9) for number in range(12)]
    assert len(set(names)) == 12
    assert pastes.expanded("".join(names)) == "".join(f"{number}\n" * 9 for number in range(12))


def test_a_chinese_placeholder_folds_the_same() -> None:
    speak("zh")
    try:
        pastes = Pastes()
        name = pastes.fold("行\n" * 9)
    finally:
        speak("en")
    assert re.search("[一-鿿]", name) and pastes.expanded(name) == "行\n" * 9


@pytest.mark.parametrize(
    ("pasted", "text"),
    [
        ("a\rb\r\nc\n", "a\nb\nc\n"),
        ("tab\there", "tab\there"),
        ("a\x1b[2Jb\x9b31mc\x00", "abc"),
        ("\ufeffx\u202ey", "xy"),
    ],
)
def test_a_paste_loses_what_acts_on_terminals_and_keeps_its_lines(pasted: str, text: str) -> None:
    assert cleaned(pasted) == text


def test_a_paste_of_long_lines_is_named_by_its_characters() -> None:
    pastes = Pastes()
    assert pastes.fold("x" * 2000) == "[pasted 2000 characters #1]"
    assert pastes.fold("x\n" * 40) == "[pasted 40 lines #2]"


def test_what_fits_the_box_is_not_folded() -> None:
    assert not is_large("one\ntwo\n") and is_large("x" * 2000) and is_large("\n" * 9)
