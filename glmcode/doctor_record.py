"""What the doctor is told, and what it finds: the records of `glmcode doctor --json`."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Status = Literal["ok", "warn", "missing"]


class Record(BaseModel):
    """Base of the doctor's values."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class DoctorInput(Record):
    """What to examine. Holds no key, only whether there is one."""

    base_url: str
    model: str
    has_key: bool
    sandbox: Literal["docker", "bwrap", "none"] = "docker"
    image: str | None = None
    """The configured sandbox image; None for the daemon's default."""
    state_dir: Path
    connect: bool = False
    """Also ask the endpoint whether it answers: the only check that uses the network."""


class Check(Record):
    """One thing examined."""

    name: str
    status: Status
    detail: str
    remedy: str | None = None
    """What to do; None where all is well."""


class Report(Record):
    """All checks, and whether a run could start; also the record of `glmcode doctor --json`."""

    kind: Literal["doctor"] = "doctor"
    v: Literal[1] = 1
    ok: bool
    """Nothing is missing; warnings do not count."""
    checks: tuple[Check, ...]
