"""What packing anew costs, in the interface's language."""

from typing import TYPE_CHECKING

from glmcode.tui.texts import text

if TYPE_CHECKING:
    from glmcode.live.repacking import Offer


def price(offer: "Offer") -> str:
    """One line."""
    numbers = {"tokens": offer.pack.tokens, "kept": offer.kept, "anew": offer.fresh + offer.behind}
    line = text("pack.price", **{name: f"{number:,}" for name, number in numbers.items()})
    line += text("pack.price_behind", behind=f"{offer.behind:,}") if offer.behind else ""
    if offer.cost_usd is None or offer.saved_usd is None:
        return line
    return line + text("pack.price_usd", cold=f"${offer.cost_usd:.3f}", cached=f"${offer.saved_usd:.3f}")
