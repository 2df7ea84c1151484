"""Speaks every event as a plain sentence; what the model says comes line by line, its thinking as one remark."""

from glmcode.events import (
    AssistantMessage,
    CacheBroken,
    Compacted,
    Event,
    GuardRepaired,
    SessionStarted,
    ToolFinished,
    TurnFinished,
    VerdictReached,
)
from glmcode.plain.printer import Printer, Tone
from glmcode.tui.status.figures import count, dollars, seconds, share
from glmcode.tui.texts import text
from glmcode_sandbox.clean import StreamCleaner, one_line

_TITLE = 200


class Teller:
    """Tells the events of a session, in the order in which they come."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer
        self._answer = StreamCleaner()
        self._streams = False
        self._thinks = False

    def tell(self, event: Event) -> None:
        say = self._printer.say
        match event.kind:
            case "session_started":
                self._opening(event)
            case "step_started":
                self._begin_answer()
            case "reasoning_delta":
                if not self._thinks and event.text.strip():
                    self._thinks = True
                    say(text("plain.thinks"), "quiet")
            case "assistant_delta":
                self._stream(event.text)
            case "assistant_message":
                self._message(event)
            case "tool_started":
                say(text("plain.tool", title=one_line(event.title, _TITLE)))
            case "tool_finished":
                self._tool(event)
            case "approval_requested":
                self._approval(event.allowed, event.reason)
            case "guard":
                self._repaired(event)
            case "cache_broken" | "compacted":
                self._context(event)
            case "retry":
                why = one_line(event.reason, _TITLE)
                say(text("plain.retry", delay=f"{event.delay_s:.0f}", attempt=event.attempt, reason=why), "warning")
            case "error":
                say(text("plain.failure", message=one_line(event.message, 500)), "error")
            case "steered":
                say(text("plain.steered", said=one_line(event.text, _TITLE)))
            case "aside":
                self._rest_of(event.answer)
            case "turn_finished":
                self._end(event)
            case "verdict":
                self._verdict(event)
            case "tool_output" | "usage":
                pass  # the end of the call and of the turn say what matters of them

    def _opening(self, event: SessionStarted) -> None:
        if event.engine.kind in ("scripted", "replay"):
            self._printer.say(text(f"plain.{event.engine.kind}"), "warning")
        fields = {"session": event.session, "model": event.engine.model, "sandbox": event.sandbox}
        shown = {name: one_line(value, _TITLE) for name, value in fields.items()}
        workspace, approval = text(f"status.{event.workspace}"), one_line(event.approval, 20)
        self._printer.say(text("plain.session", **shown, workspace=workspace, approval=approval))
        if event.sandbox.startswith("none"):
            self._printer.say(text("plain.no_sandbox"), "warning")

    def _begin_answer(self) -> None:
        self._answer, self._streams, self._thinks = StreamCleaner(), False, False

    def _stream(self, piece: str) -> None:
        """Whole lines only: a screen reader would speak the pieces of a word."""
        self._streams = True
        if lines := self._answer.feed_text(piece):
            self._printer.say(lines)

    def _message(self, event: AssistantMessage) -> None:
        self._rest_of(event.content)
        if event.finish_reason in ("cancelled", "error"):
            self._printer.say(text("plain.cut_short"), "warning")

    def _rest_of(self, answer: str) -> None:
        """What was not said of an answer yet: its last line, or all of it where nothing was streamed."""
        if rest := self._answer.finish() if self._streams else answer.strip():
            self._printer.say(rest)
        self._begin_answer()

    def _tool(self, event: ToolFinished) -> None:
        summary = one_line(event.summary, _TITLE)
        if event.call_id.startswith("by_hand_") and event.text.strip():
            # The user ran it to see what it says.
            self._printer.say(event.text)
        if event.is_error:
            self._printer.say(text("plain.tool_failed", summary=summary, time=seconds(event.duration_s)), "warning")
        else:
            self._printer.say(text("plain.tool_done", summary=summary, time=seconds(event.duration_s)))

    def _approval(self, allowed: bool, reason: str) -> None:
        if allowed:
            self._printer.say(text("plain.allowed"))
        else:
            self._printer.say(text("plain.refused", reason=one_line(reason, _TITLE)))

    def _verdict(self, event: VerdictReached) -> None:
        verdict = text(f"transcript.verdict_{event.verdict}")
        self._printer.say(text("plain.verdict", verdict=verdict, reason=one_line(event.reason, 500)))

    def _repaired(self, event: GuardRepaired) -> None:
        self._printer.say(text("plain.repaired", detail=one_line(event.detail, _TITLE)), "quiet")
        if event.restarts:
            self._begin_answer()
            self._printer.say(text("plain.restarts"), "warning")

    def _context(self, event: CacheBroken | Compacted) -> None:
        cause = one_line(event.cause, _TITLE)
        if isinstance(event, CacheBroken):
            said = text("plain.cache_broken", segment=one_line(event.segment, 40), cause=cause)
        else:
            sizes = {"before": count(event.tokens_before), "after": count(event.tokens_after)}
            said = text("plain.repacked" if event.how == "repacked" else "plain.compacted", cause=cause, **sizes)
        self._printer.say(said, "warning")

    def _end(self, event: TurnFinished) -> None:
        usage = event.usage
        parts = [_steps(event.steps), seconds(event.duration_s)]
        if usage.prompt_tokens:
            cached = share(usage.cached_tokens / usage.prompt_tokens)
            sizes = {"into": count(usage.prompt_tokens), "out": count(usage.completion_tokens)}
            parts.append(text("plain.tokens", cached=cached, **sizes))
        if event.cost_usd is not None:
            parts.append(dollars(event.cost_usd))
        detail = one_line(event.detail, _TITLE)
        ending = text(f"plain.{event.reason}_of", detail=detail) if detail else text(f"plain.{event.reason}")
        tone: Tone = "plain" if event.reason == "done" else "warning"
        self._printer.say(text("plain.end", ending=ending, figures=", ".join(parts)), tone)


def _steps(number: int) -> str:
    return text("plain.step") if number == 1 else text("plain.steps", count=number)
