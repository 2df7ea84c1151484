"""Words that the flags of several commands take. Standard library only."""

PRESET_NAMES = (
    "zai", "zai-coding", "bigmodel", "bigmodel-coding", "novita", "openrouter", "sglang", "vllm",
)  # fmt: skip
DIALECT_NAMES = ("auto", "zai", "sglang", "vllm", "openrouter", "novita", "plain")
