"""The published table of what GLM-4.5-class models need, as data; what is extrapolated from it says so."""

from typing import Literal

from glmcode_engine.messages import Value
from glmcode_engine.sglang.models import Family

Source = Literal["published", "estimate"]

REQUESTS = 8
"""The published counts hold for up to so many requests at once."""
FULL_CONTEXT = 131_072
LONG_CONTEXT = 202_752
"""GLM-4.6's window. No table covers it: twice the GPUs of the full 128K, an estimate."""
HOST_MEMORY_BYTES = 10**12
"""What a machine must exceed "to ensure normal model loading", says the table's page."""


class Row(Value):
    """GPUs that one model needs on one kind of card."""

    family: Family
    dtype: Literal["BF16", "FP8"]
    kind: Literal["h100", "h200"]
    gpus: int
    """To run at all."""
    gpus_full: int
    """For 128K tokens in each of up to 8 requests."""
    source: Source

    @property
    def gpus_long(self) -> int:
        """For 200K: always an estimate."""
        return 2 * self.gpus_full


def _rows(family: Family, dtype: Literal["BF16", "FP8"], h100: int) -> tuple[Row, Row]:
    # Half as many H200: an earlier revision of the page (commit 08158da) lists them, the present one does not.
    return (
        Row(family=family, dtype=dtype, kind="h100", gpus=h100, gpus_full=2 * h100, source="published"),
        Row(family=family, dtype=dtype, kind="h200", gpus=h100 // 2, gpus_full=h100, source="estimate"),
    )


# github.com/zai-org/GLM-4.5, README, "System Requirements": H100, MTP on, at most 8 requests, FP8-native cards, more
# than 1 TB of host memory. GLM-4.6 has the size of GLM-4.5.
TABLE = (
    *_rows("GLM-4.5", "BF16", 16),
    *_rows("GLM-4.5", "FP8", 8),
    *_rows("GLM-4.5-Air", "BF16", 4),
    *_rows("GLM-4.5-Air", "FP8", 2),
)


def row_of(family: Family | None, dtype: str, kind: str | None) -> Row | None:
    """The row for a model on a kind of card, if the table has one."""
    return next((row for row in TABLE if (row.family, row.dtype, row.kind) == (family, dtype, kind)), None)
