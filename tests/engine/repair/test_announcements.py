import pytest

from glmcode_engine.repair.announcements import announces

ANNOUNCED = [
    "I'll read the file first.",
    "Let me look at the failing test:",
    "Let me check the implementation of `total`.",
    "I found the bug in `loop.py`. Now I'll fix it.",
    "The test fails because of an off-by-one.\n\nLet me fix that now.",
    "Next, I will run the tests to verify the change.",
    "Great! Now let me update the tests.",
    "I'm going to search for all callers of `parse`.",
    "I need to see how the parser handles quotes.",
    "Let’s start by exploring the repository structure.",
    "Okay, let me first reproduce the issue.",
    "To understand this, I'll examine the config loader.",
    "First, let me grep for the error message...",
    "Now running the tests...",
    "Checking the test suite:",
    "I'll go ahead and create the file:",
    "Let me run the tests:\n```bash\npytest -q\n```",
    "I should check whether the cache is used.",
    "So I will now edit src/a.py",
    "**Let me read the file.**",
    "让我查看一下这个文件。",
    "我来修改这个函数。",
    "接下来我将运行测试:",
    "现在我需要检查一下配置文件。",
    "首先，让我看看项目的结构",
    "问题找到了。现在修复它。",
    "好的，我先读取 `a.py` 的内容。",
    "接下来读取文件：",
    "我将运行测试来验证修改。",
]
FINAL = [
    "",
    "done",
    "I fixed the off-by-one in `src/a.py` and ran the tests: 12 passed.",
    "The value is 4.",
    "All tests pass now. Let me know if you want anything else.",
    "Let me know if you would like me to run the full suite.",
    "I can also add a test for this. Would you like me to do that?",
    "Should I run the tests?",
    "If you want, I'll run the whole suite too.",
    "Once you confirm, I will apply the change.",
    "I will not change the public API.",
    "I'll leave the refactoring to a follow-up.",
    "Next, you can run `pytest` to see it.",
    "Please run the tests with `make test`.",
    "To run it: `python -m a`.",
    "Now reading an empty file returns an empty list.",
    "Running the tests: 42 passed, 0 failed.",
    "Checking the length first avoids the error.",
    "I should add that the cache is not thread-safe.",
    "I should note that one test is skipped.",
    "I first let me-style names stay; everything else is renamed.",
    "Plan:\n1. Read the parser\n2. I'll fix the loop\n3. I'll run the tests",
    "- I will read the file\n- I will fix it",
    "What was wrong: the loop began at 1.\nWhat I changed: `a.py`, line 3.\nWhat I ran: `pytest`, 3 passed.",
    "I ran the tests, then let me-tagged fixtures were removed.",
    "The function is:\n```python\ndef f():\n    return 1\n```",
    "Here is what I found:\n```\nlet me read\n```",
    "I'll summarise: two files changed, no test was weakened.",
    "Let me explain: the lock is taken twice.",
    "Let me walk you through what changed.",
    "The server will read the file again on restart.",
    "It will run the tests in CI.",
    "We will see a speed-up only on large inputs.",
    "> Let me check the file.",
    'The assistant said "I\'ll read it" but did not.',
    "I checked everything; nothing needs to change.",
    "Not verified: the Windows path. I could not run it here.",
    "已修复 `a.py` 中的错误，所有测试均已通过。",
    "修改完成。",
    "我已经修改了这个函数，并运行了测试。",
    "接下来您可以运行测试来验证。",
    "如果需要，我可以继续添加测试。",
    "还需要我修改其他文件吗？",
    "请运行 `pytest` 进行验证。",
    "问题在于循环从 1 开始，现在从 0 开始。",
    "测试全部通过，现在可以合并。",
    "建议接下来检查一下缓存的实现。",
]


@pytest.mark.parametrize("text", ANNOUNCED)
def test_announcements_are_seen(text: str) -> None:
    assert announces(text)


@pytest.mark.parametrize("text", FINAL)
def test_final_answers_are_left_alone(text: str) -> None:
    assert not announces(text)


def test_a_long_answer_counts_by_its_last_sentence() -> None:
    story = "The parser reads the header and then the body. " * 60
    assert announces(story + "Now let me fix the parser.")
    assert not announces("Now let me fix the parser. " + story)
