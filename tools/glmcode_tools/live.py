"""Shows the output of a running command to whoever watches the tool."""

from glmcode_sandbox.base import OutputSink
from glmcode_sandbox.clean import StreamCleaner
from glmcode_tools.base import ToolContext


class LiveOutput:
    """Hands a running command's output, cleaned, to whoever watches the tool."""

    def __init__(self, context: ToolContext) -> None:
        self._watch = context.on_output
        self._cleaner = StreamCleaner()

    @property
    def sink(self) -> OutputSink | None:
        """For `Sandbox.exec`; None when nobody watches."""
        return self._feed if self._watch else None

    def finish(self) -> None:
        """Hand over what was still held back."""
        if self._watch and (rest := self._cleaner.finish()):
            self._watch(rest)

    def _feed(self, data: bytes) -> None:
        if self._watch and (text := self._cleaner.feed(data)):
            self._watch(text)
