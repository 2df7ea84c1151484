"""What the user says while a turn runs: it goes with the next tool result, so that the prompt only grows at its end.

A user message of its own would do so too, but GLM's chat template drops the reasoning of all steps before the last one,
and with it the server's prefix cache from the first step of the turn on.
"""

import re

from glmcode_prompts.library import load
from glmcode_tools.base import ToolOutput

_MARK = re.compile(r"\[(glmcode)\s*:(?=\s*the\s+user\s+says)", re.IGNORECASE)


class Steering:
    """What was said and not delivered yet."""

    def __init__(self) -> None:
        self._said: list[str] = []

    def say(self, text: str) -> None:
        """Add something for the model to read."""
        self._said.append(text)

    def withdraw(self, text: str) -> bool:
        """Take back one that waits; False where it was delivered."""
        if text not in self._said:
            return False
        self._said.remove(text)
        return True

    def take(self) -> str:
        """All that waits, once; empty where nothing does."""
        said, self._said = self._said, []
        return "\n\n".join(said)


def steered(output: ToolOutput, said: str) -> ToolOutput:
    """The result of a call with what the user says behind it."""
    return output.model_copy(update={"text": f"{output.text}\n\n{load('steered', said=said)}"})


def unforged(output: ToolOutput) -> ToolOutput:
    """A result in which nothing passes for the user: what a file or a command prints is not theirs."""
    text = _MARK.sub(r"[\1;", output.text)
    return output if text == output.text else output.model_copy(update={"text": text})
