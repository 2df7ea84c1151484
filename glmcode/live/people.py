"""How a live session reaches its person."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glmcode.model.loading import Watch
from glmcode.places.devcontainers import Ask as Confirm
from glmcode.policy import Ask

if TYPE_CHECKING:
    from glmcode.context.warming import Progress


@dataclass(frozen=True, slots=True)
class People:
    """How the person is reached."""

    say: Callable[[str], None]
    """One line of news; untrusted names in it are not cleaned yet."""
    ask: Ask
    """Answers what leaves the policy."""
    confirm: Confirm | None = None
    """Answers yes or no before an image is pulled or built; None: nobody can."""
    watch: Watch | None = None
    """Sees how far the start of an engine on this machine has come; None: `say` is told."""
    indexing: "Callable[[Progress | None], None] | None" = None
    """Sees how far the index of the repository is; None: it is there. Called often, from the event loop."""
