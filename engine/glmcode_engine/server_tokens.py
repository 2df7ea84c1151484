"""Asks a server what it knows about tokens: its model's window, and how many a prompt has."""

from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from glmcode_engine.base import EngineError
from glmcode_engine.dialects import DIALECTS
from glmcode_engine.endpoint import Endpoint
from glmcode_engine.messages import Request
from glmcode_engine.presets import preset_of
from glmcode_engine.remote import RemoteEngine
from glmcode_engine.wire import request_body

_COUNTED = ("model", "messages", "tools", "chat_template_kwargs")
"""The fields of a request that make its prompt."""
_WINDOWS = range(1, 10**9)

WindowSource = Literal["user", "server", "preset"]
"""Who told a window."""


class ServerTokens:
    """The token facts of one server. Nothing is asked before it is wanted, so no request waits for it."""

    def __init__(self, engine: RemoteEngine) -> None:
        self._engine = engine
        self._told: tuple[int | None] | None = None

    async def window(self) -> int | None:
        """Tokens of prompt and answer together, None where nobody knows.

        What the user set holds before what the server tells (asked once), and that before what the preset knows.
        """
        told = await self.told_window()
        return told[0] if told else None

    async def told_window(self) -> tuple[int, WindowSource] | None:
        """The window as `window` gives it, and who told it."""
        endpoint = self._engine.endpoint
        if endpoint.window is not None:
            return endpoint.window, "user"
        if window := await self._server_window():
            return window, "server"
        service = preset_of(endpoint.base_url)
        return (service.window, "preset") if service and service.window else None

    async def count(self, request: Request) -> int | None:
        """The prompt tokens of a request by the server's own count, None where it has no counter or does not answer.

        Not free: hosted servers may charge or limit it like any request.
        """
        endpoint = self._engine.endpoint
        counter = DIALECTS[endpoint.dialect].counter
        if counter is None:
            return None
        body = {key: value for key, value in request_body(request, endpoint).items() if key in _COUNTED}
        try:
            match counter:
                case "zai":
                    answer = await self._engine.call("POST", "/tokenizer", body)
                    return _number(_field(_field(answer, "usage"), "prompt_tokens"))
                case "tokenize":
                    answer = await self._engine.call("POST", _beside(endpoint, "/tokenize"), body)
                    return _number(_field(answer, "count"))
        except EngineError:
            return None

    async def _server_window(self) -> int | None:
        if self._told is None:
            if not DIALECTS[self._engine.endpoint.dialect].tells_window:
                return None
            try:
                self._told = (_listed_window(await self._engine.call("GET", "/models"), self._engine.endpoint.model),)
            except EngineError:
                return None  # it may be up the next time
        return self._told[0]


def _listed_window(answer: object, model: str) -> int | None:
    """`max_model_len` of the model in a list of models; of the only one where none has the name."""
    listed = _field(answer, "data")
    models = listed if isinstance(listed, list) else []
    named = [each for each in models if _field(each, "id") == model] or (models if len(models) == 1 else [])
    return next((_number(_field(each, "max_model_len")) for each in named), None)


def _beside(endpoint: Endpoint, path: str) -> str:
    """The address of a route that lies beside the API, not below it."""
    parts = urlsplit(endpoint.base_url)
    return urlunsplit(parts._replace(path=parts.path.removesuffix("/v1") + path))


def _field(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _WINDOWS else None
