"""Markdown around text that nobody vouches for."""

from glmcode_prompts.library import fenced as fenced_plainly


def fenced(text: str, language: str = "") -> str:
    """A code block that the text cannot close."""
    opening, rest = fenced_plainly(text.rstrip()).split("\n", 1)
    return f"{opening}{language}\n{rest}"
