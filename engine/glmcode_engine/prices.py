"""What tokens cost: prices per million of them."""

from glmcode_engine.messages import Usage, Value


class Prices(Value):
    """USD per million tokens."""

    prompt: float
    cached: float
    completion: float

    def cost(self, usage: Usage) -> float:
        """USD for these tokens."""
        fresh = max(0, usage.prompt_tokens - usage.cached_tokens)
        total = fresh * self.prompt + usage.cached_tokens * self.cached + usage.completion_tokens * self.completion
        return round(total / 1_000_000, 6)
