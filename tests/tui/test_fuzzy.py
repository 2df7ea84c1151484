from hypothesis import given
from hypothesis import strategies as st

from glmcode.tui.fuzzy import match, ranked, sieve

PATHS = ["glmcode/tui/prompt/box.py", "glmcode/context/pack.py", "docs/boxes.md", "a/b/o/x/other.txt", "README.md"]


def _best(query: str, texts: list[str]) -> list[str]:
    return [text for text, _ in ranked(query, texts, str, 10)]


def test_the_last_part_of_a_path_and_beginnings_of_words_win() -> None:
    assert _best("box", PATHS)[:2] == ["docs/boxes.md", "glmcode/tui/prompt/box.py"]
    assert _best("gtpb", PATHS) == ["glmcode/tui/prompt/box.py"]
    assert _best("rm", ["forms.py", "README.md"])[0] == "README.md"
    assert _best("pb", ["pubs", "PromptBox"])[0] == "PromptBox"


def test_case_only_breaks_ties() -> None:
    assert _best("Box", ["box", "Box"]) == ["Box", "box"]
    assert match("BOX", "box") is not None


def test_an_empty_query_keeps_the_order_of_equally_long_texts() -> None:
    assert _best("", ["cc", "aa", "bb"]) == ["cc", "aa", "bb"]


@given(st.text(max_size=40), st.text(max_size=8))
def test_a_match_names_the_letters_of_the_query_in_their_order(text: str, query: str) -> None:
    wanted = "".join(query.split())
    found = match(query, text)
    if found is not None:
        assert list(found.positions) == sorted(set(found.positions))
        assert len(found.positions) == len(wanted)
        assert all(text[at].lower() == letter.lower() for at, letter in zip(found.positions, wanted, strict=True))


@given(st.text("abcAB/._ []^-\\", max_size=30), st.data())
def test_every_selection_of_letters_matches(text: str, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    query = "".join(letter for letter, wanted in zip(text, chosen, strict=True) if wanted)
    assert match(query, text) is not None
    assert sieve(query, [text]) == [text]


def test_very_many_long_names_are_sieved_at_once() -> None:
    # Without the anchor this pattern would go back and forth for minutes.
    assert sieve("ab", ["a" * 100_000]) == []
