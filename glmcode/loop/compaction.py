"""Makes a conversation shorter: the system prompt, the task, whole steps and the newest of them stay.

Pure functions of messages, a count of tokens and a target; none of them changes what it is given. Messages that stay
as they are stay the same objects.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from glmcode.context.cutting import with_smaller_pack
from glmcode.loop.prompt_size import Count, message_tokens, messages_tokens
from glmcode_engine.messages import Message, ToolCall
from glmcode_prompts.library import load
from glmcode_sandbox.clean import one_line

NOTE_MARK = "[glmcode: "
"""How texts of ours in user messages begin, as no task of a user's does."""
_LEFT_OUT = re.compile(r"\[output of `.{1,200} left out to save room; call it again if needed\]")
_THOUGHT_CHARS = 200
_TITLE_CHARS = 80
_TEXT_CHARS = (4_000, 1_000, 300)
"""How much of each text a transcript holds, less where it would not fit."""


def shortened(messages: Sequence[Message], count: Count, target: int) -> list[Message]:
    """The conversation without what can be had again: older tool results, older reasoning, files of the pack.

    Every message stays in its place. What fits `target` tokens already stays as it is; the result may still exceed it.
    """
    view = list(messages)
    if messages_tokens(view, count) <= target:
        return view
    view = _without_older_results(view, count, target)
    first = _first_user(view)
    if first is not None and (over := messages_tokens(view, count) - target) > 0:
        size = count(view[first].content)
        smaller = with_smaller_pack(view[first].content, count, max(target // 2, size - over))
        if count(smaller) < size:
            view[first] = view[first].model_copy(update={"content": smaller})
    return view


@dataclass(frozen=True, slots=True)
class Split:
    """A conversation in parts, in order but for `prompt`, which lies somewhere in `middle`."""

    head: tuple[Message, ...]
    """Up to the first prompt of the user."""
    middle: tuple[Message, ...]
    """Whole steps that can be replaced."""
    prompt: tuple[Message, ...]
    """The user's latest prompt where it would fall out with the middle: at most one."""
    tail: tuple[Message, ...]
    """The newest whole steps."""

    def around(self, note: str) -> list[Message]:
        """The conversation with `note` in the place of its middle."""
        return [*self.head, Message(role="user", content=note), *self.prompt, *self.tail]


def split(messages: Sequence[Message], count: Count, target: int) -> Split:
    """Choose what a note can replace so that the rest is about half of `target`, beside the head."""
    first = _first_user(messages)
    begin = 0
    while begin < len(messages) and (messages[begin].role == "system" or (first is not None and begin <= first)):
        begin += 1
    steps = _steps(messages[begin:])
    kept, left = len(steps), target // 4
    while kept:
        size = sum(message_tokens(message, count) for message in steps[kept - 1])
        # The newest step may be larger: without it the model would not know what it just did.
        if size > left and not (kept == len(steps) and size <= target // 2):
            break
        kept, left = kept - 1, left - size
    middle = tuple(message for step in steps[:kept] for message in step)
    tail = tuple(message for step in steps[kept:] for message in step)
    prompts = [message for message in middle if _is_prompt(message)]
    in_tail = any(_is_prompt(message) for message in tail)
    prompt = () if in_tail else tuple(prompts[-1:])
    middle = middle if middle != prompt else ()
    return Split(tuple(messages[:begin]), middle, prompt, tail if middle else tuple(messages[begin:]))


def transcript(messages: Sequence[Message], count: Count, limit: int) -> str:
    """What was said, as plain text in at most about `limit` tokens: long texts are cut, then the oldest left out.

    Notes of earlier compactions stay whole, since they are all that is left of what they stand for.
    """
    for characters in _TEXT_CHARS:
        texts = [_told(message, characters) for message in messages]
        if sum(map(count, texts)) <= limit:
            return "\n\n".join(texts)
    left = limit - sum(count(text) for message, text in zip(messages, texts, strict=True) if _is_note(message))
    kept: list[str] = []
    for message, text in zip(reversed(messages), reversed(texts), strict=True):
        if not _is_note(message):
            left -= count(text)
            if left < 0:
                continue
        kept.append(text)
    return "\n\n".join(reversed(kept))


def _without_older_results(messages: list[Message], count: Count, target: int) -> list[Message]:
    """All but the newest tool results, worth a quarter of the target, as one line each; no reasoning from before those.

    The newest result may take half of the target: the model has not worked with it yet.
    """
    view = list(messages)
    calls = {call.id: call for message in messages for call in message.tool_calls}
    results = [at for at, message in enumerate(messages) if message.role == "tool"]
    oldest, budget = len(messages), target // 4
    for at in reversed(results):
        text = messages[at].content
        if _LEFT_OUT.fullmatch(text):
            continue
        size, newest = count(text), at == results[-1]
        if size <= (target // 2 if newest else budget):
            budget, oldest = budget - size, at
            continue
        shorter = _left_out(calls.get(messages[at].tool_call_id or ""), text)
        if newest and (cut := _cut_middle(text, count, target // 2)):
            shorter, oldest = cut, at
        budget = -1
        if len(shorter) < len(text) and count(shorter) < size:
            view[at] = messages[at].model_copy(update={"content": shorter})
    answers = [at for at, message in enumerate(messages) if message.role == "assistant" and at < oldest]
    for at in answers[:-1]:
        view[at] = _without_reasoning(messages[at])
    return view


def _without_reasoning(message: Message) -> Message:
    """Servers refuse an answer that holds nothing at all, so of one that holds only thoughts their beginning stays."""
    thought = message.reasoning_content or ""
    short = None if message.content or message.tool_calls else thought[:_THOUGHT_CHARS]
    if short == message.reasoning_content:
        return message
    return message.model_copy(update={"reasoning_content": short})


def _left_out(call: ToolCall | None, text: str) -> str:
    lines = text.count("\n") + 1
    size = f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"
    return load("left_out", call=_title(call) if call else "a call", size=size)


def _title(call: ToolCall) -> str:
    """A call in a few words: its name and its first argument that is a text."""
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = None
    values = arguments.values() if isinstance(arguments, dict) else ()
    first = next((value for value in values if isinstance(value, str)), "")
    return one_line(f"{call.name} {first}".strip(), _TITLE_CHARS).replace("`", "'")


def _cut_middle(text: str, count: Count, limit: int) -> str:
    """Beginning and end of a text in at most `limit` tokens; empty where that is hardly anything."""
    kept = len(text) * limit // max(count(text), 1)
    while kept >= 400:
        note = load("left_out_middle", count=f"{len(text) - kept:,}")
        shorter = f"{text[: kept * 2 // 3]}\n{note}\n{text[len(text) - kept // 3 :]}"
        if count(shorter) <= limit:
            return shorter
        kept = kept * 7 // 8
    return ""


def _steps(messages: Sequence[Message]) -> list[list[Message]]:
    """Messages that belong together: an answer with the results of its calls; any other message by itself."""
    steps: list[list[Message]] = []
    for message in messages:
        if message.role == "tool" and steps:
            steps[-1].append(message)
        else:
            steps.append([message])
    return steps


def _first_user(messages: Sequence[Message]) -> int | None:
    return next((at for at, message in enumerate(messages) if message.role == "user"), None)


def _is_note(message: Message) -> bool:
    return message.role == "user" and message.content.startswith(NOTE_MARK)


def _is_prompt(message: Message) -> bool:
    return message.role == "user" and not _is_note(message)


def _told(message: Message, characters: int) -> str:
    """One message of a transcript."""
    if _is_note(message):
        return message.content
    lines = [f"{message.role}: {_clip(message.content, characters)}"] if message.content else []
    lines += [f"calls {call.name} {_clip(call.arguments, characters)}" for call in message.tool_calls]
    return "\n".join(lines)


def _clip(text: str, characters: int) -> str:
    half = characters // 2
    return text if len(text) <= characters else f"{text[:half]} [...] {text[-half:]}"
