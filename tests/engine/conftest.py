"""What the engine's tests share: asking an endpoint for one answer."""

from collections.abc import Callable
from typing import Any

import pytest

from glmcode_engine.endpoint import DialectChoice, resolve_endpoint
from glmcode_engine.remote import RemoteEngine
from tests.simulated import SimulatedEndpoint

OpenRemote = Callable[..., RemoteEngine]


@pytest.fixture
def open_remote() -> OpenRemote:
    def open_(
        server: SimulatedEndpoint | str,
        *,
        model: str = "glm-4.6",
        dialect: DialectChoice = "auto",
        api_key: str | None = "sk-test-0123456789",
        **options: Any,
    ) -> RemoteEngine:
        url = server if isinstance(server, str) else server.base_url
        return RemoteEngine(resolve_endpoint(url, model, dialect), api_key=api_key, **options)

    return open_
