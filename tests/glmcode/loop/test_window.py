import asyncio
import subprocess
import sys

import pytest

from glmcode.loop.prompt_size import messages_tokens, request_tokens, rough_tokens
from glmcode.loop.window import Window
from glmcode_engine.messages import Message, Request, ToolCall, ToolSpec
from glmcode_engine.tokens import Counter

TOOL = ToolSpec(name="read", description="Read a file.", parameters={"type": "object"})


def asked(words: int) -> Request:
    return Request(messages=(Message(role="user", content="some words of a text " * words),), tools=(TOOL,))


def test_all_that_is_sent_counts_and_reasoning_only_behind_the_last_prompt() -> None:
    call = ToolCall(id="1", name="read", arguments='{"path": "a"}')
    answer = Message(role="assistant", content="1234", reasoning_content="123456", tool_calls=(call,))
    prompt = Message(role="user", content="12")
    behind = messages_tokens([prompt, answer], len)
    assert behind == (4 + 2) + (4 + 4 + 6) + (4 + len("read") + len(call.arguments))
    assert messages_tokens([prompt, answer, prompt], len) == behind - 6 + (4 + 2)
    assert request_tokens(Request(messages=(prompt,), tools=(TOOL,)), len) > 6 + len("Read a file.")


@pytest.mark.parametrize(
    "text", ["def f(x):\n    return x\n" * 50, "naïve ☃ 语言模型 " * 50, '{"a": [1, 22, 333]}\n' * 50]
)
def test_a_rough_count_is_never_less_than_half(text: str) -> None:
    assert Counter().count(text) <= 2 * rough_tokens(text)


async def test_a_prompt_is_overfull_when_it_leaves_an_eighth_or_less() -> None:
    window = Window(8_000)
    assert not await window.overfull(asked(1_350))
    assert await window.overfull(asked(1_450))
    assert not await Window().overfull(asked(10_000))


async def test_the_servers_counts_correct_ours() -> None:
    window, request = Window(8_000), asked(1_000)
    first = await window.expected(request)
    for _ in range(20):
        await window.overfull(request)
        window.reported(first * 3 // 2)
    assert await window.expected(request) == pytest.approx(first * 1.5, rel=0.01)
    assert await window.overfull(request) is (first * 1.5 > 7_000)
    window.reported(1)
    assert await window.expected(request) == pytest.approx(first * 1.5, rel=0.01)


async def test_a_window_that_was_told_replaces_the_one_assumed_and_asking_replaces_none() -> None:
    async def ask() -> int:
        return 50_000

    window = Window(200_000, ask=ask)
    assert await window.asked() == 200_000
    window.learn(None)
    assert window.tokens == 200_000
    window.learn(40_960)
    assert window.tokens == 40_960
    unknown = Window(ask=ask)
    unknown.begin_asking()
    unknown.learn(30_000)
    assert await unknown.asked() == 30_000
    await asyncio.sleep(0)
    assert unknown.tokens == 30_000
    await unknown.aclose()


def test_a_small_prompt_in_a_known_window_loads_no_vocabulary() -> None:
    program = """
import asyncio, sys
from glmcode.loop.window import Window
from glmcode_engine.messages import Message, Request
request = Request(messages=(Message(role="user", content="word " * 20_000),))
assert not asyncio.run(Window(200_000).overfull(request))
late = ("glmcode.loop.compaction", "glmcode.loop.compacting")
print([name for name in sys.modules if "tiktoken" in name or name in late])
"""
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
