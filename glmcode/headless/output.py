"""What a headless run prints: records on standard output, everything else on standard error."""

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from glmcode.config import Settings
from glmcode.events import PASSING, AssistantMessage, Event, SessionStarted, ToolFinished
from glmcode.model.engines import is_script
from glmcode.telling import told
from glmcode_sandbox.clean import clean_text, one_line

if TYPE_CHECKING:
    from glmcode.headless.problems import Problem
    from glmcode.headless.result import Result

HEARTBEAT_S = 30.0
"""At least so often a streaming answer shows on standard error that it is alive."""


class Output:
    """The face of a headless run. Untrusted text is cleaned before it reaches a terminal."""

    def __init__(self, settings: Settings, events_file: Path | None) -> None:
        self._format = settings.output
        self._titles: dict[str, str] = {}
        self._streamed = 0
        self._last_said = time.monotonic()
        self._events: TextIO | None = events_file.open("w", encoding="utf-8", buffering=1) if events_file else None
        self._ending = "error"
        """What the last line for editors says; the run may end before it has a result."""
        if self._format == "vscode":
            from glmcode.editor.problem_lines import STARTED

            self._line(STARTED)

    def event(self, event: Event) -> None:
        if self._format == "stream-json":
            self._line(event.as_json())
        if self._events is not None and event.kind not in PASSING:
            self._events.write(event.as_json() + "\n")
        self._progress(event)

    def result(self, result: "Result", problems: "tuple[Problem, ...]", repo: Path) -> None:
        match self._format:
            case "json" | "stream-json":
                self._line(result.as_json())
            case "vscode":
                self._problem_lines(result, problems, repo)
            case "text":
                if result.answer:
                    self._line(clean_text(result.answer))
        if self._events is not None:
            self._events.write(result.as_json() + "\n")

    def say(self, text: str) -> None:
        """What people are told, on standard error."""
        self._last_said = time.monotonic()
        with contextlib.suppress(OSError):  # a terminal or reader that went away must not end the run
            print(told(text), file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._events is not None:
            self._events.close()
        if self._format == "vscode":
            from glmcode.editor.problem_lines import finished

            self._line(finished(self._ending))

    def _problem_lines(self, result: "Result", problems: "tuple[Problem, ...]", repo: Path) -> None:
        from glmcode.editor.problem_lines import lines_of, status_of

        if result.answer:
            self.say(f"answer:\n{result.answer}")
        for line in lines_of(problems, repo, Path.cwd()):
            self._line(line)
        self._ending = status_of(result)

    def _line(self, text: str) -> None:
        # A reader or terminal that went away must not keep the run from cleaning up after itself.
        with contextlib.suppress(OSError):
            print(text, flush=True)

    def _progress(self, event: Event) -> None:
        match event.kind:
            case "session_started":
                self._opening(event)
            case "step_started":
                self._streamed = 0
            case "reasoning_delta" | "assistant_delta":
                self._heartbeat(event.step, len(event.text))
            case "assistant_message" if event.tool_calls:
                self._thought(event)
            case "tool_started":
                self._titles[event.call_id] = event.title
            case "tool_finished":
                self.say(self._tool_line(event))
            case "approval_requested":
                self.say(f"{'allowed' if event.allowed else 'not allowed'}: {one_line(event.question, 200)}")
            case "verdict":
                self.say(f"verdict {event.verdict}: {one_line(event.reason, 500)}")
            case "guard":
                self.say(f"repaired: {event.repair}: {one_line(event.detail, 200)}")
            case "compacted":
                sizes = f"about {event.tokens_before} to {event.tokens_after} tokens"
                self.say(f"compacted: {event.how}, {sizes}: {one_line(event.cause, 200)}")
            case "retry":
                self.say(
                    f"trying again in {event.delay_s:.1f} s (attempt {event.attempt}): {one_line(event.reason, 300)}"
                )
            case "error":
                self.say(f"error: {event.message}")
            case _:
                pass

    def _heartbeat(self, step: int, characters: int) -> None:
        self._streamed += characters
        if time.monotonic() - self._last_said >= HEARTBEAT_S:
            self.say(f"step {step}: still answering, {self._streamed} characters so far")

    def _opening(self, event: SessionStarted) -> None:
        if is_script(event.engine):
            what = "a recorded session" if event.engine.kind == "replay" else "a script"
            self.say(f"{what} is playing, not a model")
        self.say(f"session {event.session}, {event.engine.model}, {event.sandbox}, workspace {event.workspace}")
        if event.context_tokens:
            self.say(f"packed about {event.context_tokens} tokens of the repository into the prompt")

    def _thought(self, event: AssistantMessage) -> None:
        """What the model says while it works; of its thinking only how it begins."""
        if event.reasoning_content:
            self.say(f"step {event.step}: thinks: {one_line(event.reasoning_content.strip(), 100)}")
        if event.content:
            self.say(f"step {event.step}: {one_line(event.content.strip(), 300)}")

    def _tool_line(self, event: ToolFinished) -> str:
        mark = "failed" if event.is_error else "ok"
        title = one_line(self._titles.pop(event.call_id, event.name), 80)
        return f"step {event.step}: {title}: {one_line(event.summary or mark, 120)} ({event.duration_s:.1f} s)"
