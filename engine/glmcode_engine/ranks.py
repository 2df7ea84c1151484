"""The vocabulary that ships with the package: cl100k_base, as a tiktoken encoding.

Nothing is downloaded and tiktoken's own cache is never read; source and licence are in vocabulary/NOTICE.
"""

import zlib
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

_FILE = Path(__file__).parent / "vocabulary" / "cl100k_base.ranks"
# tiktoken_ext/openai_public.py, cl100k_base; GLM-4 cuts its text in the same way.
_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
    r"|\s+(?!\S)|\s"
)


def load_ranks(packed: bytes) -> dict[bytes, int]:
    """Token bytes to rank, from the form that engine/recipes/pack_ranks.py writes."""
    raw = zlib.decompress(packed)
    count = int.from_bytes(raw[:4], "big")
    lengths = raw[4 : 4 + count]
    ends = accumulate(lengths, initial=4 + count)
    return {raw[start:end]: rank for rank, (start, end) in enumerate(pairwise(ends))}


@cache
def ranks() -> dict[bytes, int]:
    """The rank of each token by its bytes."""
    return load_ranks(_FILE.read_bytes())


@cache
def cl100k() -> "tiktoken.Encoding":
    """The encoding; the first call takes some 0.15 s and 40 MB."""
    import tiktoken

    # Under a name of our own: a registered one would be looked up by those who unpickle it.
    return tiktoken.Encoding("glmcode_cl100k", pat_str=_PATTERN, mergeable_ranks=ranks(), special_tokens={})
