"""Makes a tiny GLM-4.6 checkpoint with random weights: `checkpoint.py FOLDER`, run by the Python that has SGLang."""

import json
import pydoc_data.topics
import sys
from pathlib import Path
from typing import Any

VOCABULARY = 6000
"""Enough that a prompt has about as many tokens as in the real vocabulary, half as many again at most."""
WINDOW = 16384
CONTROL = ("<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>")
ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>")
MARKUP = ("/nothink", "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
ARGUMENTS = ("<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>")
STOPS = ("<|endoftext|>", "<|user|>", "<|observation|>")
"""As in the generation_config.json of GLM-4.6."""
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How cl100k-style tokenizers, GLM's among them, cut text before they merge bytes."""


def trained_tokenizer() -> Any:
    """A byte-level BPE tokenizer with GLM's special tokens, trained on prose and code that come with Python."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    texts = [*pydoc_data.topics.topics.values()]
    texts += [path.read_text("utf-8") for path in sorted(Path(json.__file__).parent.glob("*.py"))]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in CONTROL + ROLES])
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in MARKUP + ARGUMENTS])
    return tokenizer


def configuration(tokens: int, stops: list[int]) -> Any:
    """GLM-4.6's architecture (expert routing, partial rotary, normed queries and keys) at the smallest sizes."""
    from transformers import Glm4MoeConfig

    return Glm4MoeConfig(
        architectures=["Glm4MoeForCausalLM"],
        vocab_size=(tokens + 63) // 64 * 64,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        partial_rotary_factor=0.5,
        moe_intermediate_size=32,
        n_routed_experts=4,
        n_shared_experts=1,
        num_experts_per_tok=2,
        first_k_dense_replace=1,
        routed_scaling_factor=2.5,
        norm_topk_prob=True,
        n_group=1,
        topk_group=1,
        use_qk_norm=True,
        attention_bias=True,
        max_position_embeddings=WINDOW,
        tie_word_embeddings=False,
        eos_token_id=stops,
        pad_token_id=stops[0],
    )


def make(folder: Path) -> None:
    """Write configuration, weights, tokenizer and chat template."""
    import torch
    from transformers import GenerationConfig, Glm4MoeForCausalLM, PreTrainedTokenizerFast

    tokenizer = trained_tokenizer()
    stops = [tokenizer.token_to_id(text) for text in STOPS]
    config = configuration(tokenizer.get_vocab_size(), stops)
    torch.manual_seed(0)
    Glm4MoeForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    GenerationConfig(eos_token_id=stops, pad_token_id=stops[0], temperature=1.0, do_sample=True).save_pretrained(folder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=STOPS[0], pad_token=STOPS[0], model_max_length=WINDOW
    )
    fast.chat_template = Path(__file__).with_name("chat_template.jinja").read_text("utf-8")
    fast.save_pretrained(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
