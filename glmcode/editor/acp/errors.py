"""Failures of the world as errors of the protocol: a code that editors act on, and one clear line."""

from acp.exceptions import RequestError
from acp.schema import StopReason

from glmcode.config import ConfigError, KeyMissingError
from glmcode.events import TurnFinished
from glmcode.session.store import SessionError
from glmcode_engine.base import EngineError
from glmcode_sandbox.base import SandboxError
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.workspace import WorkspaceError

INVALID_REQUEST = -32600
INVALID_PARAMS = -32602
INTERNAL = -32603
AUTH_REQUIRED = -32000
NOT_FOUND = -32002
MAX_COLUMNS = 2_000

Failure = ConfigError | SessionError | WorkspaceError | EngineError | SandboxError | OSError
FAILURES = (ConfigError, SessionError, WorkspaceError, EngineError, SandboxError, OSError)


def request_error(error: Failure) -> RequestError:
    """What the editor is answered."""
    return RequestError(_code(error), one_line(str(error), MAX_COLUMNS))


def _code(error: Failure) -> int:
    match error:
        case KeyMissingError() | EngineError(kind="auth"):
            return AUTH_REQUIRED
        case ConfigError() | WorkspaceError():
            return INVALID_PARAMS
        case SessionError():
            return NOT_FOUND
        case _:
            return INTERNAL


def invalid(text: str) -> RequestError:
    """A parameter that cannot be used, and why."""
    return RequestError(INVALID_PARAMS, one_line(text, MAX_COLUMNS))


def busy(what: str) -> RequestError:
    """Something that must wait for the running turn."""
    return RequestError(INVALID_REQUEST, f"{what} has to wait: a turn runs in this session; cancel it or let it end")


def stop_reason(finished: TurnFinished) -> StopReason | None:
    """How a turn ended in the protocol's words; None where only an error says it."""
    match finished.reason, finished.detail:
        case "done", _:
            return "end_turn"
        case "cancelled", _:
            return "cancelled"
        case "limit", "tokens" | "cost":
            return "max_tokens"
        case "limit", _:
            return "max_turn_requests"
        case _, "truncated" | "overflow":
            return "max_tokens"
        case _, "filtered":
            return "refusal"
        case _:
            return None


def turn_error(finished: TurnFinished, message: str) -> RequestError:
    """The answer to a prompt whose turn failed."""
    code = AUTH_REQUIRED if finished.detail == "auth" else INTERNAL
    return RequestError(code, one_line(message, MAX_COLUMNS), {"kind": finished.detail})
