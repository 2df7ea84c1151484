"""Runs inside the server: whatever the weights say, the tokens of the scripted reply are the likely ones."""

from typing import Any

from sglang.srt.sampling.custom_logit_processor import CustomLogitProcessor

NONE_FITS = "\n<think></think>\nNo reply is scripted for step {step} of this prompt.<|user|>"


class ScriptedWeights(CustomLogitProcessor):
    """Reads `custom_params["replies"]`, the list that `scripted.py` makes."""

    def __call__(self, logits: Any, custom_param_list: list[dict[str, Any]] | None = None) -> Any:
        """`logits` has one row for every request of the batch, and so has `custom_param_list`."""
        for row, params in zip(logits, custom_param_list or [], strict=True):
            if "tokens" not in params:
                params["tokens"] = self.tokens(params["__req__"], params["replies"])
            said = len(params["__req__"].output_ids)
            row.fill_(-float("inf"))
            # What follows the stop token is only seen by requests that ignore it.
            row[params["tokens"][min(said, len(params["tokens"]) - 1)]] = 0.0
        return logits

    def tokens(self, request: Any, replies: list[dict[str, Any]]) -> list[int]:
        """The first reply that fits the prompt."""
        ids = list(request.origin_input_ids)
        prompt = request.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        step = ids.count(request.tokenizer.convert_tokens_to_ids("<|observation|>"))
        silent = prompt.endswith("<think></think>")
        text = NONE_FITS.format(step=step)
        for reply in replies:
            if reply["step"] == step and (reply["when"] or "") in prompt:
                text = reply["silent" if silent else "thinking"]
                break
        return request.tokenizer.encode(text, add_special_tokens=False)
