"""Questions to the person behind the editor: a call that leaves the policy, an image that is to be built."""

from collections.abc import Sequence

from acp.interfaces import Client
from acp.schema import (
    AllowedOutcome,
    PermissionOption,
    RequestPermissionResponse,
    ToolCallProgress,
    ToolCallStatus,
    ToolCallUpdate,
)

from glmcode.editor.acp.calls import Call, Content, kind_of
from glmcode.editor.acp.texts import content, harmless, output
from glmcode.policy import Decision, Question
from glmcode_sandbox.clean import one_line

_ONCE = PermissionOption(option_id="allow_once", name="Allow", kind="allow_once")
_ALWAYS = PermissionOption(option_id="allow_always", name="Always allow for these files", kind="allow_always")
_KEEP = PermissionOption(option_id="allow_once", name="Keep", kind="allow_once")
_ALWAYS_KEEP = PermissionOption(
    option_id="allow_always", name="Always keep changes of these files", kind="allow_always"
)
_TAKE_BACK = PermissionOption(option_id="reject_once", name="Take back", kind="reject_once")
_REJECT = PermissionOption(option_id="reject_once", name="Reject", kind="reject_once")


async def ask(client: Client, session_id: str, question: Question, call: Call | None) -> Decision:
    """Put a question of the policy. An editor that went away, or a question that was dismissed, refuses."""
    shown: list[Content] = [content(f"This {question.effect}."), *(call.preview() if call else [])]
    update = ToolCallUpdate(
        tool_call_id=question.call_id,
        title=harmless(question.title),
        kind=kind_of(call.name) if call else "other",
        status="pending",
        content=[*shown],
        locations=call.locations() if call else None,
    )
    options = [_ONCE, *([_ALWAYS] if question.paths else []), _REJECT]
    return _decision(await _asked(client, session_id, update, options))


async def ask_afterwards(client: Client, session_id: str, question_id: str, question: Question) -> Decision:
    """Put a question about what happened already, to keep it or to take it back; shown as a call of its own."""
    shown = [content(f"{question.effect}.".capitalize()), *([output(question.diff)] if question.diff else [])]
    update = ToolCallUpdate(
        tool_call_id=question_id, title=harmless(question.title), kind="other", status="pending", content=[*shown]
    )
    options = [_KEEP, *([_ALWAYS_KEEP] if question.paths else []), _TAKE_BACK]
    decision = _decision(await _asked(client, session_id, update, options))
    await _ended(client, session_id, question_id, allowed=decision.allowed)
    return decision


def _decision(response: RequestPermissionResponse | None) -> Decision:
    if response is None or not isinstance(response.outcome, AllowedOutcome):
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


async def confirm(client: Client, session_id: str, question_id: str, question: str) -> bool:
    """Put a question that no call of the model raised, as the protocol knows questions of calls only."""
    title = harmless(one_line(question, 200))
    update = ToolCallUpdate(
        tool_call_id=question_id, title=title, kind="other", status="pending", content=[content(question)]
    )
    response = await _asked(client, session_id, update, [_ONCE, _REJECT])
    outcome = response.outcome if response else None
    allowed = isinstance(outcome, AllowedOutcome) and outcome.option_id == "allow_once"
    await _ended(client, session_id, question_id, allowed=allowed)
    return allowed


async def _ended(client: Client, session_id: str, question_id: str, *, allowed: bool) -> None:
    """A question that was put as a call of its own is over."""
    status: ToolCallStatus = "completed" if allowed else "failed"
    ended = ToolCallProgress(session_update="tool_call_update", tool_call_id=question_id, status=status)
    await client.session_update(session_id, ended)


async def _asked(
    client: Client, session_id: str, update: ToolCallUpdate, options: Sequence[PermissionOption]
) -> RequestPermissionResponse | None:
    """None where the editor is gone."""
    try:
        return await client.request_permission(session_id, update, list(options))
    except ConnectionError:
        return None
