"""Exit codes, as the contract names them, and how endings map to them."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glmcode.events import TurnFinished


class ExitCode(IntEnum):
    DONE = 0
    """Done (run), verified (fix)."""
    FAILURE = 1
    """Unexpected failure."""
    USAGE = 2
    """Usage or configuration."""
    UNVERIFIED = 3
    """fix: changed but unverified."""
    NOTHING = 4
    """fix: nothing changed, or the failure could not be reproduced."""
    LIMIT = 5
    """A limit was reached: steps, tokens, cost, time."""
    BROKE_TESTS = 6
    """The change broke a test that passed before."""
    NO_SANDBOX = 7
    NO_PERMISSION = 8
    """A permission was needed that nobody could give."""
    UNUSABLE = 9
    """The model's answers could not be used."""
    NO_ENGINE = 69
    """No engine answers."""
    TRY_LATER = 75
    """Rate limit or overload."""
    KEY_REFUSED = 77
    INTERRUPTED = 130
    TERMINATED = 143


_OF_ERROR = {
    "auth": ExitCode.KEY_REFUSED,
    "rate_limited": ExitCode.TRY_LATER,
    "unreachable": ExitCode.NO_ENGINE,
    "bad_request": ExitCode.USAGE,
    "overflow": ExitCode.UNUSABLE,
    "filtered": ExitCode.UNUSABLE,
    "truncated": ExitCode.UNUSABLE,
    "unusable": ExitCode.UNUSABLE,
    "sandbox": ExitCode.NO_SANDBOX,
    "permission": ExitCode.NO_PERMISSION,
}


def of_turn(turn: "TurnFinished") -> ExitCode:
    """The exit code of a turn by itself, before any verdict."""
    match turn.reason:
        case "done":
            return ExitCode.DONE
        case "limit":
            return ExitCode.LIMIT
        case "cancelled":
            return ExitCode.INTERRUPTED
        case "error":
            return of_error(turn.detail)


def of_error(kind: str) -> ExitCode:
    """The exit code of a failure of the engine or the sandbox, by its kind."""
    return _OF_ERROR.get(kind, ExitCode.FAILURE)
