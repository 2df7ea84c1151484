import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmcode_sandbox.images.jsonc import loads

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\/*,]}\n// \u00e9', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='k"/*,]', max_size=5), inner),
    max_leaves=12,
)
_GAPS = st.lists(st.sampled_from(["", " ", "\n", "// c, ] \" '\n", '/* " , } // */', "/**/"]), min_size=1, max_size=7)


def with_gaps(value: object, gaps: list[str], at: int = 0) -> str:
    """The value as JSON, a comment or white space around every token and a comma after every last element."""
    gap = gaps[at % len(gaps)]
    match value:
        case list() if value:
            inside = "".join(with_gaps(each, gaps, at + 1) + "," + gap for each in value)
            return f"{gap}[{gap}{inside}]{gap}"
        case dict() if value:
            pairs = (
                f"{gap}{json.dumps(key)}{gap}:{with_gaps(each, gaps, at + 1)},{gap}" for key, each in value.items()
            )
            return f"{gap}{{{''.join(pairs)}}}{gap}"
        case _:
            return f"{gap}{json.dumps(value, ensure_ascii=False)}{gap}"


@given(_VALUES, _GAPS)
def test_comments_and_last_commas_change_nothing(value: object, gaps: list[str]) -> None:
    assert loads(with_gaps(value, gaps)) == value


@given(_VALUES)
def test_plain_json_is_read_as_it_is(value: object) -> None:
    assert loads(json.dumps(value, indent=1)) == value


@given(st.text(alphabet='{}[]",:/*\\ \na1', max_size=60))
def test_any_text_is_read_or_refused_as_a_value_error(text: str) -> None:
    try:
        loads(text)
    except ValueError:
        return


@pytest.mark.parametrize("text", ["", "{", "[1,,]", '{"a": 1 "b": 2}', "[1] /* no end", "[1] /*/", '"a', "[" * 100_000])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        loads(text)


def test_a_mark_of_the_byte_order_is_passed_over() -> None:
    assert loads('\ufeff{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("piece", ["/*", ", ", '"', "//", "\\", '"\\', "*/", ",\n/* */"])
def test_hostile_texts_take_no_long_time(piece: str) -> None:
    began = time.thread_time()
    with pytest.raises(ValueError):
        loads("[" + piece * 20_000)
    assert time.thread_time() - began < 5
