"""Serves one editor on standard input and output until it goes away."""

import asyncio
import logging
import os
from typing import Any

from acp.agent.connection import AgentSideConnection

from glmcode.editor.acp.agent import GlmcodeAgent
from glmcode.editor.acp.sessions import SettingsOf
from glmcode.editor.acp.wire import StdioTransport, take_stdio
from glmcode.exit_codes import ExitCode
from glmcode_sandbox.clean import clean_text


class _Harmless(logging.Formatter):
    """Log lines hold what editors and models wrote; a trace is there for who asks."""

    def formatException(self, ei: Any) -> str:
        whole = super().formatException(ei)
        return whole if os.environ.get("GLMCODE_DEBUG") else whole.rpartition("\n")[2]

    def format(self, record: logging.LogRecord) -> str:
        return clean_text(super().format(record))


async def serve(settings_of: SettingsOf) -> int:
    """Returns when standard input ends, with everything closed. Standard output is the protocol's alone."""
    task = asyncio.current_task()
    assert task is not None
    handler = logging.StreamHandler()
    handler.setFormatter(_Harmless("glmcode: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    agent = GlmcodeAgent(settings_of)
    transport = StdioTransport(*take_stdio())
    # Closing, resuming and forking are behind this flag of the package.
    connection = AgentSideConnection(agent, transport, listening=False, use_unstable_protocol=True)
    try:
        await connection.listen()
        if task.cancelling():  # the package takes a cancellation for the end of the input
            raise asyncio.CancelledError
    finally:
        await agent.aclose()
        await connection.close()
    return ExitCode.DONE
