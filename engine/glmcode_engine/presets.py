"""The endpoints that serve GLM-4.6, as data: address, model name, dialect, window and prices of each."""

from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from glmcode_engine.dialects import DialectName
from glmcode_engine.messages import Value
from glmcode_engine.prices import Prices

PresetName = Literal["zai", "zai-coding", "bigmodel", "bigmodel-coding", "novita", "openrouter", "sglang", "vllm"]


class Preset(Value):
    """One endpoint. What its servers take beyond the OpenAI chat API is in `DIALECTS[preset.dialect]`."""

    name: PresetName
    base_url: str
    model: str
    """What GLM-4.6 is called there."""
    dialect: DialectName
    domain: str | None = None
    """The provider's domain: what runs on it or below it belongs to the provider. None: a server of one's own."""
    key_variable: str | None = None
    """The environment variable that usually holds the provider's key, where we read it."""
    window: int | None = None
    """Tokens of prompt and answer together; None: the server tells."""
    prices: Prices | None = None
    """List prices; None: not known, or nothing is paid per token."""

    @property
    def needs_key(self) -> bool:
        """Whether it never answers without a key."""
        return self.domain is not None


def _zai(name: PresetName, base_url: str, domain: str, prices: Prices | None = None) -> Preset:
    return Preset(
        name=name,
        base_url=base_url,
        model="glm-4.6",
        dialect="zai",
        domain=domain,
        key_variable="ZAI_API_KEY",
        window=200_000,
        prices=prices,
    )


# Addresses: docs.z.ai and docs.bigmodel.cn chat-completion, openrouter.ai quickstart, novita.ai glm-4.6, the servers'
# default ports. Windows: docs.z.ai (200K), novita.ai's model page, kilo.ai's catalogue for OpenRouter.
# Prices: docs.z.ai pricing and novita.ai, as of November 2026; the coding plans are paid by the month.
PRESETS: tuple[Preset, ...] = (
    _zai("zai", "https://api.z.ai/api/paas/v4", "z.ai", Prices(prompt=0.60, cached=0.11, completion=2.20)),
    _zai("zai-coding", "https://api.z.ai/api/coding/paas/v4", "z.ai"),
    _zai("bigmodel", "https://open.bigmodel.cn/api/paas/v4", "bigmodel.cn"),
    _zai("bigmodel-coding", "https://open.bigmodel.cn/api/coding/paas/v4", "bigmodel.cn"),
    Preset(
        name="novita",
        base_url="https://api.novita.ai/openai",
        model="zai-org/glm-4.6",
        dialect="novita",
        domain="novita.ai",
        window=204_800,
        prices=Prices(prompt=0.55, cached=0.11, completion=2.20),
    ),
    Preset(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        model="z-ai/glm-4.6",
        dialect="openrouter",
        domain="openrouter.ai",
        window=202_752,
    ),
    Preset(name="sglang", base_url="http://127.0.0.1:30000/v1", model="glm-4.6", dialect="sglang"),
    Preset(name="vllm", base_url="http://127.0.0.1:8000/v1", model="glm-4.6", dialect="vllm"),
)


def preset_named(name: PresetName) -> Preset:
    """The preset of that name."""
    return next(each for each in PRESETS if each.name == name)


def preset_of(base_url: str) -> Preset | None:
    """The hosted service that an address belongs to, None for a server of one's own and for unknown services.

    Of several on one domain it is the one whose path fits, else the provider's first.
    """
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
    except ValueError:
        return None
    offered = [each for each in PRESETS if each.domain and (host == each.domain or host.endswith(f".{each.domain}"))]
    fitting = (each for each in offered if f"{parts.path}/".startswith(f"{urlsplit(each.base_url).path}/"))
    return next(fitting, offered[0] if offered else None)


def is_own(base_url: str) -> bool:
    """Whether the address is of this machine or of a private network, where nobody charges for tokens."""
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return False
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))
