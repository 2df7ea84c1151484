"""Counting tokens: speed, time to load, memory, and how near the counts come to GLM-4.6's own vocabulary."""

import json
import resource
import sysconfig
import time
from pathlib import Path

from glmcode_engine.tokens import Counter, estimate_tokens

WANTED_TOKENS = 200_000


def main() -> None:
    """Print the figures as one JSON object a line; seconds are CPU time on one core."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [file.read_text("utf-8", "replace") for file in files]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    counter = Counter()
    counter.count("")
    loaded = time.process_time() - began
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    began = time.process_time()
    counted = sum(map(counter.count, texts))
    counting = time.process_time() - began
    began = time.process_time()
    estimated = sum(map(estimate_tokens, texts))
    estimating = time.process_time() - began
    print(
        json.dumps(
            {
                "benchmark": "tokens",
                "source_tokens": counted,
                "load_s": round(loaded, 3),
                "load_mb": round(memory, 1),
                f"count_{WANTED_TOKENS}_s": round(counting * WANTED_TOKENS / counted, 3),
                f"estimate_{WANTED_TOKENS}_s": round(estimating * WANTED_TOKENS / counted, 3),
                "estimated_to_counted": round(estimated / counted, 4),
            }
        )
    )
    _compare(counter, "python", texts)
    names = [{"path": file.name, "bytes": file.stat().st_size, "test": None} for file in files]
    _compare(counter, "json", [json.dumps(names, indent=2), json.dumps(sysconfig.get_config_vars(), indent=2)])


def _compare(counter: Counter, kind: str, texts: list[str]) -> None:
    """GLM's own count is that of the package splintr-rs, which holds the vocabulary of GLM-4.5."""
    import splintr

    glm = splintr.Tokenizer.from_pretrained("glm4")
    exact = sum(len(glm.encode_ordinary(text)) for text in texts)
    print(json.dumps({"benchmark": "tokens", "kind": kind, "to_glm": round(sum(map(counter.count, texts)) / exact, 4)}))


if __name__ == "__main__":
    main()
