"""What requests cost: prices per million tokens, by endpoint or as the user sets them."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from glmcode_engine.messages import Usage


class Prices(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float
    cached: float
    completion: float

    def cost(self, usage: Usage) -> float:
        """USD for these tokens."""
        fresh = max(0, usage.prompt_tokens - usage.cached_tokens)
        total = fresh * self.prompt + usage.cached_tokens * self.cached + usage.completion_tokens * self.completion
        return round(total / 1_000_000, 6)


# docs.z.ai pricing and novita.ai model page for glm-4.6, as of November 2026.
_GLM_46_BY_HOST = {
    "api.z.ai": Prices(prompt=0.60, cached=0.11, completion=2.20),
    "api.novita.ai": Prices(prompt=0.55, cached=0.11, completion=2.20),
}


def known_prices(base_url: str | None, model: str) -> Prices | None:
    """The list price of GLM-4.6 at this endpoint, None where it is not known or costs nothing per token."""
    if base_url is None or not model.lower().endswith("glm-4.6") or "/coding/" in base_url:
        return None
    return _GLM_46_BY_HOST.get(urlsplit(base_url).hostname or "")
