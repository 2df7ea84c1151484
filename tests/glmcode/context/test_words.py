import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.index.words import TermCounter, stem, terms


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("getUserNames", ("getusernames", "get", "user", "nam")),
        ("HTTPServer2", ("httpserver2", "http", "serv", "2")),
        ("_add_months", ("addmonths", "add", "month")),
        ("class", ("class",)),
        ("退款金额", ("退款金额", "退款", "款金", "金额")),
    ],
)
def test_words_are_split_into_their_parts(word: str, found: tuple[str, ...]) -> None:
    assert terms(word) == found


@pytest.mark.parametrize(
    "family",
    [
        ("serialize", "serializer", "serializing", "serialization"),
        ("run", "running"),
        ("query", "queries"),
        ("match", "matches", "matching", "matched"),
        ("class", "classes"),
    ],
)
def test_forms_of_a_word_have_one_stem(family: tuple[str, ...]) -> None:
    assert len({stem(word) for word in family}) == 1


@pytest.mark.parametrize("word", ["status", "process", "is", "as", "the", "address"])
def test_endings_that_belong_to_the_word_stay(word: str) -> None:
    assert stem(word) == word


@given(st.text(alphabet="abingsSED_9é", max_size=30))
def test_a_stem_is_never_shorter_than_three_letters_nor_longer_than_the_word(word: str) -> None:
    for term in terms(word)[1:]:
        assert min(3, len(term)) <= len(term) <= len(word)
    assert all(word.lower().find(stem(part)[:3]) >= 0 for part in terms(word)[1:])


def test_counts_names_and_their_parts() -> None:
    counts, words = TermCounter().count("get_user(user) + getUser(2)")
    assert counts == {"getuser": 2, "get": 2, "user": 3}
    assert words == 3
