"""What a task is read as, and that no text of it takes long to read."""

import time

import pytest

from glmcode.context.budget import Auto, choose_budget
from glmcode.context.mentions import named
from glmcode.context.ranking.task import MAX_TASK_CHARS, Task

HOSTILE = [
    "`",
    "~~~\n",
    "```\n",
    "````\n~~~\n",
    "<!--",
    "-->",
    "\n",
    " \n",
    " ",
    "    at a(",
    '  File "a\n',
    "a.",
    "in ",
    "(" * 9,
    '@"',
]


@pytest.mark.parametrize("part", HOSTILE)
def test_no_text_takes_long(part: str) -> None:
    text = part * (1024 * 1024 // len(part)) + "x"
    began = time.process_time()
    task = Task(text)
    for _ in (task.zones, task.names, task.frames, task.phrases, task.words):
        pass
    named(text, ["a.py", "src/b.py"])
    choose_budget(Auto(), task, 10, ())
    assert time.process_time() - began < 3


def test_what_is_fenced_is_code() -> None:
    text = "Title\n\n````md\none\n```\ntwo\n````\nthree\n~~~\nfour\n~~~ five\n```\nnever closed"
    task = Task(text)
    assert task.code.split() == ["````md", "one", "```", "two", "````", "~~~", "four", "~~~"]
    assert task.prose.split() == ["Title", "three", "five", "```", "never", "closed"]


def test_a_fence_that_only_a_shorter_one_follows_ends_there() -> None:
    assert Task("`````\none\n```\ntwo").code == "`````\none\n```"


def test_comments_of_issue_forms_say_nothing() -> None:
    assert Task("one <!-- two -->three<!-- four").clean == "one  three<!-- four"
    assert len(Task("x" * 10 * MAX_TASK_CHARS).clean) == MAX_TASK_CHARS
