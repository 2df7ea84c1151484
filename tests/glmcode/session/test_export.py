import json

from glmcode.session.export import as_json, as_markdown
from glmcode.session.store import Header
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message, ToolCall

HEADER = Header(
    id="20250101-000000-abcdef",
    repo="/r",
    created=0.0,
    version="1",
    engine=EngineInfo(kind="remote", model="glm-4.6"),
    title="t",
)
MESSAGES = [
    Message(role="user", content="fix \x9b2J \u202e \udcff"),
    Message(role="assistant", reasoning_content="```\nhm", tool_calls=(ToolCall(id="1", name="read", arguments="{}"),)),
    Message(role="tool", content="````\n# not a heading\n````", tool_call_id="1"),
    Message(role="assistant", content="done"),
]


def test_json_holds_the_whole_conversation_and_is_harmless_on_a_terminal() -> None:
    text = as_json(HEADER, MESSAGES)
    exported = json.loads(text)
    assert text.isascii() and "\x1b" not in text
    assert [Message.model_validate(message) for message in exported["messages"]] == MESSAGES
    assert Header.model_validate({name: exported[name] for name in Header.model_fields}) == HEADER


def test_markdown_keeps_results_inside_their_fences() -> None:
    text = as_markdown(HEADER, MESSAGES)
    assert "## Tool result\n\n`````\n````\n# not a heading\n````\n`````\n" in text
    assert "Thinking:\n\n````\n```\nhm\n````" in text
    assert text.endswith("## Assistant\n\ndone\n")
