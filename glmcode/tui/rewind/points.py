"""The points of a session that one can go back to, as lines of a list, and what is wished at one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from glmcode.session.steps import Step
from glmcode.tui.texts import text
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.git.trees import FileChange
from glmcode_tools.filetext import display_name

START = "start"
_PROMPT_CHARS = 60
_CALLS_CHARS = 120


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants at a point: to go back to it, or to go on from it in a copy."""

    to: str
    files: bool
    conversation: bool
    is_fork: bool = False


def point_name(to: str) -> str:
    """A point for people."""
    return text("rewind.step", number=to) if to.isdigit() else text("rewind.start")


def line(step: Step | None, files: Sequence[FileChange] | None) -> Content:
    """The point after a step, or the one before all for None. `files`: what the step changed, where it is known yet."""
    if step is None:
        return Content.styled(point_name(START), "bold")
    parts = [Content.styled(point_name(str(step.number)), "" if step.is_current else "$thinking")]
    if not step.is_current:
        parts.append(Content.styled(f"({text('rewind.left')})", "$thinking"))
    if step.prompt:
        parts.append(Content.styled(f"❯ {one_line(step.prompt, _PROMPT_CHARS)}", "$primary"))
    calls = one_line(", ".join(step.calls), _CALLS_CHARS)
    parts.append(Content(calls) if calls else Content.styled(text("rewind.answered"), "$thinking"))
    if files:
        parts.append(Content.styled(named(files), "$thinking"))
    return Content("  ").join(parts)


def named(files: Sequence[FileChange], most: int = 3) -> str:
    """Files by name, a few of them."""
    more = f" +{len(files) - most}" if len(files) > most else ""
    return ", ".join(display_name(each.path) for each in files[:most]) + more


def names(paths: Sequence[str], most: int = 5) -> str:
    """The same for paths."""
    more = f" +{len(paths) - most}" if len(paths) > most else ""
    return ", ".join(map(display_name, paths[:most])) + more


def before_last_turn(steps: Sequence[Step]) -> str:
    """The point that most want: the one before the last message."""
    current = [step for step in steps if step.is_current]
    begins = next((at for at in range(len(current) - 1, -1, -1) if current[at].prompt), 0)
    return str(current[begins - 1].number) if begins else START


def prompt_after(steps: Sequence[Step], to: str) -> str:
    """The message that came next after a point: what one may want to say in another way."""
    after = int(to) if to.isdigit() else 0
    return next((step.prompt for step in steps if step.number > after and step.is_current and step.prompt), "")
