import re
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from glmcode.events import Compacted
from glmcode.session.export import exported
from glmcode.session.html import as_html
from glmcode.session.store import Header
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message, ToolCall

HEADER = Header(
    id="20260101-000000-abcdef", repo="/r", created=0, version="1", engine=EngineInfo(kind="remote", model="glm-4.6"),
    title="t",
)  # fmt: skip
OURS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "pre", "details", "summary", "em",
}  # fmt: skip


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    return parser


@given(st.text(st.sampled_from("<>&\"'`~\n ascript/=!-")), st.text(st.sampled_from("<>&`\n a")))
def test_nothing_that_was_said_becomes_markup(said: str, output: str) -> None:
    messages = [
        Message(role="user", content=said),
        Message(
            role="assistant", content=said, reasoning_content=said,
            tool_calls=(ToolCall(id="1", name=said, arguments=said),),
        ),
        Message(role="tool", content=output, tool_call_id="1"),
    ]  # fmt: skip
    compacted = Compacted(cause=said, how="dropped", tokens_before=2, tokens_after=1, summary=said)
    assert seen(as_html(HEADER, messages, [(1, compacted)])).tags <= OURS


def test_code_stands_apart_and_everything_is_there(tmp_path: Path) -> None:
    said = "before\n```python\nx < 1\n```\nafter"
    page = exported(".html", HEADER, [Message(role="user", content=said), Message(role="tool", content="y" * 1000)])
    assert "<pre>x &lt; 1</pre>" in page and re.search(r"<details><summary>result.*y{1000}", page, re.DOTALL)
    assert "before" in page and "after" in page and "<script" not in page
