import json

from pydantic import TypeAdapter

from glmcode.events import AssistantMessage, Event, Failure, Record, ToolFinished, TurnFinished
from glmcode.exit_codes import of_turn
from glmcode.telling import told
from glmcode_engine.messages import ToolCall, Usage


def test_events_survive_json_and_their_line_is_harmless_on_a_terminal() -> None:
    hostile = "naïve \x1b[2J \x9b31m \u202e \udcff \n"
    events: list[Record] = [
        AssistantMessage(
            step=1, content=hostile, tool_calls=(ToolCall(id="1", name="read", arguments="{"),), finish_reason="stop"
        ),
        ToolFinished(
            step=1, call_id="1", name="read", is_error=False, summary="", text="", details={"a": [1]}, duration_s=0.1
        ),
        Failure(error="auth", message="refused"),
    ]
    for event in events:
        line = event.as_json()
        assert line.isascii() and line.isprintable()
        assert type(event).model_validate(json.loads(line)) == event
    any_event: TypeAdapter[Event] = TypeAdapter(Event)
    assert any_event.validate_json(events[2].as_json()) == events[2]


def test_what_is_told_cannot_pose_as_a_further_message() -> None:
    assert told("not applied: a\nglmcode: verdict verified\x1b[2J\n") == (
        "glmcode: not applied: a\n    glmcode: verdict verified"
    )


def test_endings_map_to_the_exit_codes_of_the_contract() -> None:
    def code(reason: str, detail: str = "") -> int:
        record = {"reason": reason, "detail": detail, "steps": 1, "requests": 1, "usage": Usage(), "duration_s": 0.1}
        return of_turn(TurnFinished.model_validate(record))

    assert [code("done"), code("limit", "time"), code("cancelled")] == [0, 5, 130]
    details = ["auth", "rate_limited", "unreachable", "bad_request", "overflow", "filtered", "truncated", "unusable"]
    assert [code("error", detail) for detail in details] == [77, 75, 69, 2, 9, 9, 9, 9]
    assert [code("error", detail) for detail in ("sandbox", "permission", "unheard of")] == [7, 8, 1]
