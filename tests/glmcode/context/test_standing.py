from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode.context.index.pieces import Piece
from glmcode.context.index.standing import Standing, standing_by_path, write
from glmcode.context.index.store import Store
from glmcode.context.index.words import WORD, stem
from glmcode.context.ranking.closely import Wanted, inspect
from glmcode.context.ranking.task import Task

TEXTS = st.text(alphabet="abXY_1é世 .\n\r", max_size=300)


def standing(text: str) -> Standing:
    return Standing(write(text))


@given(TEXTS)
def test_tells_of_every_word_where_it_stands(text: str) -> None:
    found = standing(text)
    places = found.places(range(len(found.words)))
    assert [place for place, _ in places] == list(range(len(places)))
    assert [found.words[number] for _, number in places] == WORD.findall(text)
    assert len(set(found.words)) == len(found.words)


@given(TEXTS, st.integers(1, 9), st.integers(1, 9))
def test_tells_the_words_and_characters_of_lines(text: str, one: int, other: int) -> None:
    first, last = sorted((one, other))
    before, body = (text.split("\n")[: first - 1], "\n".join(text.split("\n")[first - 1 : last]))
    start, end, chars = standing(text).span(first, last)
    assert start == sum(len(WORD.findall(line)) for line in before)
    assert end - start == len(WORD.findall(body))
    assert chars == len(body)


def test_a_text_of_many_words_keeps_its_places() -> None:
    found = standing("again " * 70_000 + "last")
    assert found.places({2}) == [(70_000, 2)]


def test_phrases_count_within_a_piece_and_once_each() -> None:
    text = "parser error\nparser\nerror here\nParser Error parser error\n"
    task = Task("parser error")
    pieces = [Piece(1, 2, "", ""), Piece(3, 4, "", "")]
    wanted = Wanted(task, {stem("parser"): 2.0, stem("error"): 1.0})
    one, other = inspect(standing(text), pieces, wanted, ())
    assert one["phrases"] == other["phrases"] == 3.0
    assert one["words"] > 0
    [across, *_] = inspect(standing("parser\nerror\n"), [Piece(1, 1, "", ""), Piece(2, 2, "", "")], wanted, ())
    assert across["phrases"] == 0


@pytest.mark.parametrize("data", [b"", b"1", b"x" * 40, write("one two\nthree")[:-1], write("one")[:-2]])
def test_what_is_damaged_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged|multiple of item size|struct"):
        Standing(data)


def test_each_blob_is_cut_into_words_once() -> None:
    store = Store(Path(":memory:"))
    [(_, first)] = standing_by_path(store, {"a.py": "1"}, {"a.py": "one two"})
    # The text that is given for a blob that is known is not read.
    [(path, again)] = standing_by_path(store, {"b.py": "1"}, {"b.py": "other"})
    assert (path, again.words) == ("b.py", first.words)
    store.close()
