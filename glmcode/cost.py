"""What requests cost at an endpoint, as far as its list prices are known."""

from urllib.parse import urlsplit

from glmcode_engine.presets import preset_of
from glmcode_engine.prices import Prices

__all__ = ["Prices", "known_prices"]


def known_prices(base_url: str | None, model: str) -> Prices | None:
    """The list price of GLM-4.6 at this endpoint, None where it is not known or costs nothing per token."""
    service = preset_of(base_url) if base_url is not None else None
    if service is None or base_url is None or _bare(model) != _bare(service.model):
        return None
    same_host = urlsplit(base_url).hostname == urlsplit(service.base_url).hostname
    return service.prices if same_host else None


def _bare(model: str) -> str:
    return model.lower().rpartition("/")[2]
