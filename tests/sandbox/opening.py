"""How the tests of the sandboxes open them: every kind, or those that keep commands away from the host."""

import secrets
from collections.abc import Awaitable, Callable

import pytest

from glmcode_sandbox.posix import PosixSandbox

Opener = Callable[..., Awaitable[PosixSandbox]]
"""Called with a kind and settings of `open_sandbox`; gives a started sandbox that is closed after the test."""

KINDS = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bwrap", marks=pytest.mark.bwrap),
    "none",
]
CONFINED = KINDS[:2]


def own_duration(seconds: int) -> str:
    """A time that no test beside this one sleeps: a sandbox of kind `none` sees theirs too, in containers as well."""
    return f"{seconds}.{secrets.randbelow(10**9):09}"
