"""Folds events, live or replayed, into the entries of a conversation."""

from typing import TYPE_CHECKING

from glmcode.tui.transcript.entries import (
    Answer,
    Call,
    Entry,
    Level,
    Note,
    NoteKind,
    Seal,
    Thinking,
    Todo,
    TurnEnd,
    UserSaid,
    Void,
)
from glmcode.tui.transcript.growing import Growing, HeadAndTail
from glmcode.tui.transcript.todo_items import todo_items

if TYPE_CHECKING:
    from glmcode.events import (
        AssistantMessage,
        Event,
        SessionStarted,
        ToolFinished,
        ToolStarted,
        TurnFinished,
        UsageCounted,
        VerdictReached,
    )

_VOID = Void()


class Transcript:
    """The conversation as a list of entries that only grows; an entry keeps its index.

    Any order of events is taken: what makes no sense is left out, nothing raises. Every change returns the indexes of
    the entries that it touched, the new ones among them. `now` is the reader's clock in seconds; without one (a
    replayed session) nothing is timed.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._answer: list[int] = []
        """The thinking and the text of the answer that streams in."""
        self._thought: int | None = None
        """The thinking of the last answer: the server counts its tokens later."""
        self._calls: dict[str, int] = {}
        """Of this turn; a server may give the same id again in another."""
        self._denied: set[str] = set()
        self._todo: int | None = None

    def user(self, text: str) -> set[int]:
        """The user said something: a turn begins."""
        changed = self._end_answer(None)
        self._calls, self._denied, self._todo, self._thought = {}, set(), None, None
        return changed | {self._add(UserSaid(text))}

    def _seal(self, event: "VerdictReached") -> set[int]:
        """The harness judged a change."""
        seal = Seal(event.verdict, event.reason, len(event.fixed), len(event.broken), event.passed)
        return {self._add(seal)}

    def note(self, level: Level, text: str) -> set[int]:
        """A line from the interface itself."""
        return self._note(level, "plain", text=text)

    def apply(self, event: "Event", now: float | None = None) -> set[int]:
        """What `event` changes."""
        match event.kind:
            case "session_started":
                return self._begin(event)
            case "step_started":
                self._thought = None
                return self._end_answer(now)
            case "reasoning_delta":
                return self._think(event.text, now)
            case "assistant_delta":
                return self._say(event.text, now)
            case "assistant_message":
                return self._settle_answer(event, now)
            case "tool_started":
                return self._start_call(event)
            case "tool_output":
                return self._output(event.call_id, event.text)
            case "tool_finished":
                return self._finish_call(event)
            case "usage":
                return self._count(event)
            case "turn_finished":
                return self._end_turn(event, now)
            case "verdict":
                return self._seal(event)
            case _:
                return self._remark(event)

    def _add(self, entry: Entry) -> int:
        self.entries.append(entry)
        return len(self.entries) - 1

    def _begin(self, event: "SessionStarted") -> set[int]:
        scripted = event.engine.kind in ("scripted", "replay")
        return self._note("warning", "scripted") if scripted else set()

    def _note(self, level: Level, kind: NoteKind, **fields: str | int | float) -> set[int]:
        return {self._add(Note(level, kind, tuple(fields.items())))}

    def _remark(self, event: "Event") -> set[int]:
        match event.kind:
            case "approval_requested":
                if event.allowed:
                    return self._note("info", "allowed", question=event.question)
                self._denied.add(event.call_id)
                return self._note("warning", "refused", question=event.question, reason=event.reason)
            case "guard":
                voided = self._void_answer() if event.restarts else set()
                return voided | self._note("info", "guard", repair=event.repair, detail=event.detail)
            case "cache_broken":
                return self._note("warning", "cache_broken", segment=event.segment, cause=event.cause)
            case "compacted":
                sizes = {"before": event.tokens_before, "after": event.tokens_after}
                if event.how == "repacked":
                    return self._note("info", "repacked", cause=event.cause, **sizes)
                return self._note("info", "compacted", how=event.how, cause=event.cause, **sizes)
            case "retry":
                return self._note(
                    "warning", "retry", attempt=event.attempt, delay=round(event.delay_s, 1), reason=event.reason
                )
            case "error":
                return self._note("error", "failure", error=event.error, message=event.message)
            case _:
                return set()

    def _think(self, text: str, now: float | None) -> set[int]:
        if not text:
            return set()
        if self._answer and isinstance(entry := self.entries[self._answer[-1]], Thinking):
            entry.body.append(text)
            return {self._answer[-1]}
        return self._grow(Thinking(Growing(text), began=now), now)

    def _say(self, text: str, now: float | None) -> set[int]:
        if not text:
            return set()
        if self._answer and isinstance(entry := self.entries[self._answer[-1]], Answer):
            entry.body.append(text)
            return {self._answer[-1]}
        return self._grow(Answer(Growing(text)), now)

    def _grow(self, entry: Thinking | Answer, now: float | None) -> set[int]:
        """Let the answer go on with an entry of the other kind."""
        changed = {self._close(self._answer[-1], now)} if self._answer else set()
        index = self._add(entry)
        self._answer.append(index)
        return changed | {index}

    def _close(self, index: int, now: float | None) -> int:
        match self.entries[index]:
            case Thinking() as thinking:
                if not thinking.done and now is not None and thinking.began is not None:
                    thinking.seconds = now - thinking.began
                thinking.done = True
                self._thought = index
            case Answer() as answer:
                answer.done = True
        return index

    def _end_answer(self, now: float | None) -> set[int]:
        """Nothing more comes of the answer that streamed in."""
        changed = {self._close(index, now) for index in self._answer}
        self._answer = []
        return changed

    def _void_answer(self) -> set[int]:
        changed = set(self._answer)
        for index in self._answer:
            self.entries[index] = _VOID
        self._answer, self._thought = [], None
        return changed

    def _settle_answer(self, event: "AssistantMessage", now: float | None) -> set[int]:
        """The message as a whole: it has the last word on what the deltas gave."""
        streamed = self._end_answer(now)
        thinking = sorted(index for index in streamed if isinstance(self.entries[index], Thinking))
        answers = sorted(streamed - set(thinking))
        changed = streamed | self._settle(thinking, Thinking(Growing(event.reasoning_content or ""), done=True))
        return changed | self._settle(answers, Answer(Growing(event.content), done=True))

    def _settle(self, indexes: list[int], whole: Thinking | Answer) -> set[int]:
        """Make entries of one kind say what `whole` says."""
        bodies = [entry.body for i in indexes if isinstance(entry := self.entries[i], Thinking | Answer)]
        if "".join(body.text for body in bodies) == whole.body.text:
            return set()
        if not whole.body.length:
            for index in indexes:
                self.entries[index] = _VOID
            return set(indexes)
        if not indexes:
            return {self._close(self._add(whole), None)}
        first, *others = indexes
        if isinstance(entry := self.entries[first], Thinking | Answer):
            entry.body = whole.body
        for index in others:
            self.entries[index] = _VOID
        self._thought = first if isinstance(whole, Thinking) else self._thought
        return set(indexes)

    def _start_call(self, event: "ToolStarted") -> set[int]:
        index = self._add(Call(event.call_id, event.name, event.title))
        self._calls[event.call_id] = index
        return {index}

    def _output(self, call_id: str, text: str) -> set[int]:
        index = self._calls.get(call_id)
        if index is None or not text:
            return set()
        call = self.entries[index]
        if not isinstance(call, Call) or call.state != "running":
            return set()
        if call.live is None:
            call.live = HeadAndTail()
        call.live.append(text)
        return {index}

    def _finish_call(self, event: "ToolFinished") -> set[int]:
        index = self._calls.get(event.call_id)
        if index is None:  # settled without ever having started
            index = self._calls[event.call_id] = self._add(Call(event.call_id, event.name, event.name))
        items = todo_items(event.details) if event.name == "todo" and not event.is_error else None
        if items is not None:
            older, self._todo = self._todo, index
            self.entries[index] = Todo(items)
            if older is None or older == index:
                return {index}
            self.entries[older] = _VOID
            return {older, index}
        call = self.entries[index]
        if isinstance(call, Call):
            refused = event.is_error and (event.call_id in self._denied or event.summary == "refused")
            call.state = "refused" if refused else "error" if event.is_error else "ok"
            call.summary, call.text, call.details = event.summary, event.text, event.details
            call.duration_s, call.live = event.duration_s, None
        return {index}

    def _count(self, event: "UsageCounted") -> set[int]:
        if self._thought is None or not event.usage.reasoning_tokens:
            return set()
        thinking = self.entries[self._thought]
        if not isinstance(thinking, Thinking):
            return set()
        thinking.tokens = event.usage.reasoning_tokens
        return {self._thought}

    def _end_turn(self, event: "TurnFinished", now: float | None) -> set[int]:
        changed = self._end_answer(now)
        for index in self._calls.values():
            call = self.entries[index]
            if isinstance(call, Call) and call.state == "running":
                call.state = "error"
                changed.add(index)
        self._calls, self._denied, self._todo, self._thought = {}, set(), None, None
        tokens = event.usage.prompt_tokens + event.usage.completion_tokens
        end = TurnEnd(event.reason, event.detail, event.steps, tokens, event.cost_usd, event.duration_s)
        return changed | {self._add(end)}
