"""Where the SGLang server for machines without a GPU is, and how a child process has to be started to be one."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SGLANG = "0.5.23"
TORCH = "2.13.0"
INSTALLED = "glmcode-rig"
"""The file in the venv that holds the digest of what was installed whole."""
VENV = Path(os.environ.get("GLMCODE_TEST_SGLANG") or f"~/.cache/glmcode-tests/sglang-{SGLANG}").expanduser().absolute()
"""Settled on import: tests get a home and an environment of their own."""

ENVIRON = {
    "SGLANG_USE_CPU_ENGINE": "1",
    "PYTHONPATH": str(HERE / "stand_ins"),
    "HF_HUB_OFFLINE": "1",
    "TORCHDYNAMO_DISABLE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}
FLAGS = (
    *("--device", "cpu"),
    *("--attention-backend", "torch_native"),
    *("--mem-fraction-static", "0.1"),
    *("--max-total-tokens", "49152"),
    *("--max-running-requests", "4"),
    "--disable-overlap-schedule",
    "--constrained-json-disable-any-whitespace",
    "--enable-custom-logit-processor",
)


@dataclass(frozen=True)
class Rig:
    """SGLang and a tiny checkpoint, ready to be started: `python -m sglang serve --model-path CHECKPOINT ...FLAGS`."""

    python: Path
    """The interpreter that SGLang is installed for; `sglang` lies beside it."""
    checkpoint: Path
    """Random weights of GLM-4.6's architecture with a tokenizer and a chat template."""
    environ: dict[str, str] = field(default_factory=lambda: dict(ENVIRON))
    """What the child needs beyond the normal environment."""
    flags: tuple[str, ...] = FLAGS
    """What a CPU needs, and scripted weights; nothing that `glmcode engine serve` gives itself."""

    @property
    def sglang(self) -> Path:
        return self.python.with_name("sglang")


def find_rig() -> Rig | None:
    """The rig of this machine, None where it was not installed whole or is out of date."""
    checkpoint = checkpoint_folder()
    stamp = VENV / INSTALLED
    if not checkpoint.is_dir() or not stamp.is_file() or stamp.read_text("utf-8") != digest("requirements.txt"):
        return None
    return Rig(python=VENV / "bin/python", checkpoint=checkpoint)


def checkpoint_folder() -> Path:
    """Beside the venv, under a name that changes with its recipe."""
    return VENV.parent / f"tiny-glm-{digest('checkpoint.py', 'chat_template.jinja')}"


def digest(*names: str) -> str:
    """A short name for what these files and the versions say."""
    text = b"\0".join([f"{SGLANG} {TORCH}".encode(), *((HERE / name).read_bytes() for name in names)])
    return hashlib.sha256(text).hexdigest()[:12]
