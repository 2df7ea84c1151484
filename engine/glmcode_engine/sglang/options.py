"""What a supervisor is told: which server to run, and when to give it up."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from glmcode_engine.messages import Value
from glmcode_engine.sglang.command import ServeSpec
from glmcode_engine.sglang.record import DEFAULT_NAME, Place


class ServeOptions(Value):
    """One server and the rules of its supervision."""

    spec: ServeSpec
    """Its port is replaced where `any_port` is set."""
    folder: Path
    """Where records, keys and logs are kept."""
    name: str = DEFAULT_NAME
    any_port: bool = True
    python: str | None = None
    """An interpreter that has sglang; None: this one."""
    start_timeout_s: Annotated[float, Field(gt=0)] = 1800.0
    idle_stop_s: Annotated[float, Field(gt=0)] | None = None
    """Stop after so long without a request."""
    max_restarts: Annotated[int, Field(ge=0)] = 3
    """Within `restart_window_s`; a start that fails at first is not tried again."""
    restart_window_s: float = 600.0
    grace_s: Annotated[float, Field(ge=0)] = 10.0
    """From asking the server to end to ending it by force."""
    while_used: bool = False
    """End with the last run that uses it."""

    @property
    def place(self) -> Place:
        return Place(self.folder, self.name)
