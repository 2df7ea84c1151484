"""Counts the tokens that begin in each line of a text, so that any range of lines can be priced by adding."""

from functools import cache


def line_tokens(text: str) -> list[int]:
    """For each line of `text`, as `split("\\n")` cuts it, the cl100k_base tokens that begin in it.

    A range of lines rendered by itself has at most one or two tokens more than the sum: what was one token across
    its first line break may be two. Some 1.5 million tokens a second; loads the vocabulary the first time (0.15 s).
    """
    from glmcode_engine.ranks import cl100k

    counts = [0] * (text.count("\n") + 1)
    breaks = _line_breaks()
    line = 0
    for token in cl100k().encode_ordinary(text):
        counts[line] += 1
        line += breaks.get(token, 0)
    return counts


@cache
def _line_breaks() -> dict[int, int]:
    """How many line breaks each token holds, of those that hold any."""
    from glmcode_engine.ranks import ranks

    return {rank: value.count(b"\n") for value, rank in ranks().items() if b"\n" in value}
