"""Loads the texts that models read and fills in their placeholders."""

import re
from functools import cache
from importlib.resources import files

_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")


class PromptError(Exception):
    """A text or a value for it is missing or superfluous: a mistake in our own code."""


def load(name: str, /, **values: str) -> str:
    """The text NAME.md (`system`, `tools/read`) with each `{{key}}` replaced by its value, without a final line feed.

    Values are put in as they are; placeholders inside them stay untouched. Raises PromptError for an unknown text, a
    placeholder without a value and a value without a placeholder.
    """
    text = _read(name)
    wanted = set(_PLACEHOLDER.findall(text))
    if wanted != values.keys():
        missing, unused = sorted(wanted - values.keys()), sorted(values.keys() - wanted)
        raise PromptError(f"{name}.md: values missing for {missing}, no placeholder for {unused}")
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def fenced(text: str) -> str:
    """`text` between fences that do not occur in it, so that data cannot end its own block."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def fix_prompt(*, issue: str, test_command: str, baseline: str) -> str:
    """The prompt of `glmcode fix`. `issue` is untrusted; `baseline` sums up the test run before any change."""
    return load("fix", issue=fenced(issue), test_command=test_command, baseline=baseline)


@cache
def _read(name: str) -> str:
    if not re.fullmatch(r"[a-z_]+(/[a-z_]+)*", name):
        raise PromptError(f"not a name of a text: {name!r}")
    try:
        return files("glmcode_prompts").joinpath(f"{name}.md").read_text("utf-8").strip()
    except FileNotFoundError:
        raise PromptError(f"there is no text {name}.md") from None
