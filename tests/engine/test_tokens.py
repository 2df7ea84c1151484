import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.tokens import estimate_tokens
from tests.engine.token_samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_real_text_is_never_counted_too_low_and_not_much_too_high(name: str) -> None:
    text, tokens = SAMPLES[name]
    assert tokens <= estimate_tokens(text) <= 1.4 * tokens


def test_python_is_at_most_a_quarter_too_high() -> None:
    text, tokens = SAMPLES["python"]
    assert estimate_tokens(text) <= 1.25 * tokens


def test_no_text_has_no_tokens() -> None:
    assert estimate_tokens("") == 0


@given(st.text(max_size=200))
def test_any_text_has_a_plausible_count(text: str) -> None:
    count = estimate_tokens(text)
    assert (count == 0) == (not text)
    assert count <= 1 + 1.2 * 3 * len(text)
    assert count >= len(text) // 300


@given(st.text(max_size=80), st.text(max_size=80))
def test_two_texts_together_never_need_many_more_tokens_than_apart(one: str, other: str) -> None:
    assert estimate_tokens(one + other) <= estimate_tokens(one) + estimate_tokens(other) + 4


@pytest.mark.parametrize("unit", [" ", "a", "\n", "_", " \n", "ab ", "中", "\t}", "A1b2"])
def test_a_long_run_of_anything_takes_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    assert estimate_tokens(text) > 0
    assert time.process_time() - started < 2.0
