"""Words that the flags of several commands take. Standard library only."""

from argparse import ArgumentTypeError

PRESET_NAMES = (
    "zai", "zai-coding", "bigmodel", "bigmodel-coding", "novita", "openrouter", "sglang", "vllm",
)  # fmt: skip
DIALECT_NAMES = ("auto", "zai", "sglang", "vllm", "openrouter", "novita", "plain")


def token_budget(value: str) -> int | str:
    """The tokens of a pack as a flag names them: a number, or auto. Raises argparse.ArgumentTypeError."""
    if value != "auto" and not value.removeprefix("-").isdecimal():
        raise ArgumentTypeError(f"{value!r} is no number of tokens; name one, or auto")
    return value if value == "auto" else int(value)
