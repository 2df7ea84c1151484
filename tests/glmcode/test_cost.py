import pytest

from glmcode.cost import Prices, known_prices
from glmcode_engine.messages import Usage


def test_cached_tokens_have_their_own_price_and_no_sum_is_negative() -> None:
    prices = Prices(prompt=1.0, cached=0.1, completion=10.0)
    usage = Usage(prompt_tokens=1_000_000, cached_tokens=500_000, completion_tokens=100_000, reasoning_tokens=90_000)
    assert prices.cost(usage) == pytest.approx(0.5 + 0.05 + 1.0)
    assert prices.cost(Usage(prompt_tokens=0, cached_tokens=1_000_000)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("base_url", "model", "known"),
    [
        ("https://api.z.ai/api/paas/v4", "glm-4.6", True),
        ("https://api.novita.ai/openai", "zai-org/GLM-4.6", True),
        ("https://api.z.ai/api/coding/paas/v4", "glm-4.6", False),
        ("https://api.z.ai/api/paas/v4", "glm-4.5-air", False),
        ("http://127.0.0.1:30000/v1", "glm-4.6", False),
        (None, "glm-4.6", False),
    ],
)
def test_a_price_is_only_claimed_where_it_is_known(base_url: str | None, model: str, known: bool) -> None:
    assert (known_prices(base_url, model) is not None) == known
