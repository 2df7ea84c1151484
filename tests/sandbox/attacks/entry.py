"""What one attack or fault is, as the YAML files beside this say it."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

Place = Literal["docker direct", "docker isolated", "bwrap direct", "bwrap isolated"]
PLACES: tuple[Place, ...] = ("docker direct", "docker isolated", "bwrap direct", "bwrap isolated")
_SHORT_S = 3.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(_Strict):
    """What must hold, all of it seen from outside the sandbox."""

    exit: int | Literal["fails"] | None = None
    """The exit code of the command line (in a group: of this script); `fails` is any but 0."""
    has: tuple[str, ...] = ()
    """Texts that its output (standard error too) holds."""
    lacks: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    """Paths of the host that are not there afterwards, after `then` too."""
    same: tuple[str, ...] = ()
    """Paths of the host, files or folders, that are byte for byte and bit for bit as before."""
    changed: tuple[str, ...] = ()
    """The reverse, for what is known not to hold."""
    seconds: float | None = None
    """How long the whole call may take."""
    kilobytes: int | None = None
    """How much the files of the repository may use on the disk afterwards."""
    then_has: tuple[str, ...] = ()
    """Texts that the output of `then` holds."""
    then_lacks: tuple[str, ...] = ()


class Entry(_Strict):
    """One attack or fault. `@H@` is a folder of the host with `repo`, `home` and files beside them; see `Host`."""

    id: str
    why: str
    """Where it comes from, or what would be lost."""
    run: str | None = None
    """A script for `glmcode sandbox exec`."""
    tool: tuple[str, ...] | None = None
    """The words of `glmcode tool`: name, then arguments."""
    given: str = ""
    """Standard input."""
    places: tuple[Place, ...] = PLACES
    prepare: str = ""
    """Host shell before, in `@H@`."""
    during: str = ""
    """Host shell while it runs, once it has printed `begun`; `$PID` and `$CONTAINER` are glmcode's."""
    then: str = ""
    """Host shell afterwards, in the repository."""
    timeout: Annotated[float, Field(gt=0)] = 15
    """Seconds for the command in the sandbox."""
    alone: bool = False
    """In a call of its own, rather than in one with others of its class."""
    triggers: bool = True
    """Whether the person's git is run in the repository afterwards; false where it cannot work."""
    daemon: bool = False
    """With a Docker daemon of its own, that `during` may do anything to: `$DAEMON` is its folder."""
    slow: bool = False
    known: str | None = None
    """Why it does not hold; what is expected is then what happens at present."""
    expect: Expect = Expect()

    @property
    def grouped(self) -> bool:
        """Whether it shares one call with others."""
        special = self.alone or self.slow or self.during or self.given or self.daemon
        return self.run is not None and not special

    @property
    def waits(self) -> bool:
        """Whether most of its time nothing happens, so that it may share the time with others of its kind."""
        special = self.grouped or self.slow or self.daemon
        return not special and (bool(self.during) or self.timeout <= _SHORT_S)


class AttackClass(_Strict):
    """One file."""

    name: str
    entries: tuple[Entry, ...]


def attack_classes() -> list[AttackClass]:
    """All files, in the order of their names."""
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    return [AttackClass.model_validate(yaml.safe_load(file.read_text())) for file in files]
