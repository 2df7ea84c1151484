import re

from hypothesis import given
from hypothesis import strategies as st

from glmcode.markdown import fenced


@given(st.text(alphabet="`~ \ta\n\r", max_size=60))
def test_no_text_can_close_the_fence(text: str) -> None:
    block = fenced(text, "diff")
    opening, *body, closing = block.split("\n")
    assert opening == closing + "diff"
    for line in re.split(r"[\r\n]", "\n".join(body)):
        run = re.match(r"`*", line.strip())
        assert run is not None and len(run.group()) < len(closing)
