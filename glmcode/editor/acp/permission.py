"""Questions to the person behind the editor: a call that leaves the policy, an image that is to be built."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from acp.exceptions import RequestError
from acp.interfaces import Client
from acp.schema import AllowedOutcome, PermissionOption, RequestPermissionResponse, ToolCallProgress, ToolCallUpdate
from pydantic import ValidationError

from glmcode.editor.acp.calls import MAX_PREVIEW_CHARS, Call, Content, kind_of
from glmcode.editor.acp.texts import content, harmless, output
from glmcode.policy import Decision, Question
from glmcode_sandbox.clean import one_line

_ONCE = PermissionOption(option_id="allow_once", name="Allow", kind="allow_once")
_ALWAYS = PermissionOption(option_id="allow_always", name="Always allow for these files", kind="allow_always")
_REJECT = PermissionOption(option_id="reject_once", name="Reject", kind="reject_once")
_KEEP = PermissionOption(option_id="allow_once", name="Keep", kind="allow_once")
_KEEP_ALWAYS = PermissionOption(option_id="allow_always", name="Always keep for these files", kind="allow_always")
_TAKE_BACK = PermissionOption(option_id="reject_once", name="Take back", kind="reject_once")
_EFFECT_COLUMNS = 4_000


async def ask(client: Client, session_id: str, question: Question, call: Call | None) -> Decision:
    """Put a question of the policy. An editor that went away, or a question that was dismissed, refuses."""
    once, always, refuse = (_KEEP, _KEEP_ALWAYS, _TAKE_BACK) if question.is_done else (_ONCE, _ALWAYS, _REJECT)
    update = ToolCallUpdate(
        tool_call_id=question.call_id,
        title=harmless(question.title),
        kind=kind_of(call.name) if call else "other",
        status="pending",
        content=[*_shown(question, call)],
        locations=call.locations() if call else None,
    )
    options = [once, *([always] if question.paths else []), refuse]
    response = await _asked(client, session_id, update, options)
    if response is None:
        return Decision(False, "the editor could not put the question")
    if not isinstance(response.outcome, AllowedOutcome):
        return Decision(False, "the user dismissed the question")
    match response.outcome.option_id:
        case "allow_once":
            return Decision(True)
        case "allow_always":
            return Decision(True, always=True)
        case _:
            # The protocol has no word for a reason; an editor that asks for one may send it along.
            reason = (response.outcome.field_meta or {}).get("reason")
            return Decision(False, f"the user refused: {reason}" if isinstance(reason, str) else "the user refused")


async def ask_of_no_call(client: Client, session_id: str, question_id: str, question: Question) -> Decision:
    """Put a question of the policy that no call of the model raised, as a call of its own that ends with the answer."""
    decision = Decision(False)
    try:
        decision = await ask(client, session_id, replace(question, call_id=question_id), None)
        return decision
    finally:
        await _ended(client, session_id, question_id, decision.allowed)


async def confirm(client: Client, session_id: str, question_id: str, question: str) -> bool:
    """Put a question that no call of the model raised, as the protocol knows questions of calls only."""
    title = harmless(one_line(question, 200))
    update = ToolCallUpdate(
        tool_call_id=question_id, title=title, kind="other", status="pending", content=[output(question)]
    )
    allowed = False
    try:
        response = await _asked(client, session_id, update, [_ONCE, _REJECT])
        outcome = response.outcome if response else None
        allowed = isinstance(outcome, AllowedOutcome) and outcome.option_id == "allow_once"
        return allowed
    finally:
        await _ended(client, session_id, question_id, allowed)


def _shown(question: Question, call: Call | None) -> list[Content]:
    """Why it needs an answer and what it is about. File names and texts are untrusted: nothing of them is markup."""
    effect = one_line(question.effect, _EFFECT_COLUMNS)
    why = f"{effect[:1].upper()}{effect[1:]}." if question.is_done else f"This {effect}."
    preview = call.preview() if call else []
    if preview or not question.diff:
        return [output(why), *preview]
    shown: list[Content] = [output(why), output(question.diff[:MAX_PREVIEW_CHARS])]
    if len(question.diff) > MAX_PREVIEW_CHARS:
        shown.append(content(f"Clipped: only the first {MAX_PREVIEW_CHARS:,} characters of the change are shown."))
    return shown


async def _ended(client: Client, session_id: str, question_id: str, allowed: bool) -> None:
    """No question stays open in the editor, however it ended."""
    ended = ToolCallProgress(
        session_update="tool_call_update", tool_call_id=question_id, status="completed" if allowed else "failed"
    )
    with suppress(ConnectionError):
        await client.session_update(session_id, ended)


async def _asked(
    client: Client, session_id: str, update: ToolCallUpdate, options: Sequence[PermissionOption]
) -> RequestPermissionResponse | None:
    """None where the editor is gone, does not know such questions, or answered with what is no answer."""
    try:
        return await client.request_permission(session_id, update, list(options))
    except (ConnectionError, RequestError, ValidationError):
        return None
