"""The form of what people are told beside the records."""

from glmcode_sandbox.clean import clean_text


def told(text: str) -> str:
    """`glmcode: TEXT`, harmless on a terminal.

    Further lines are indented: text from outside, such as a file name or a server's words, cannot pose as a message.
    """
    return "glmcode: " + clean_text(text).rstrip("\n").replace("\n", "\n    ")
