from collections.abc import Iterator
from pathlib import Path

import pytest

from glmcode.session import store
from glmcode.session.store import Session
from glmcode_engine.messages import Message
from tests.fakes import FakeEngine


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    engine = FakeEngine().info
    with store.create(tmp_path, repo=tmp_path, version="1", engine=engine, first_prompt="do it") as opened:
        opened.append_message(Message(role="system", content="be brief"))
        yield opened
