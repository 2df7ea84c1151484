"""What the planner knows of a checkpoint: its shape, and from it parameters, weights and KV memory."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glmcode_engine.messages import Value
from glmcode_engine.untrusted import one_line

Dim = Annotated[int, Field(strict=True, ge=1, le=10**8)]
MaybeDim = Annotated[int, Field(strict=True, ge=0, le=10**8)]
Family = Literal["GLM-4.5", "GLM-4.5-Air"]
MAX_CONFIG_BYTES = 2**20


class CheckpointError(ValueError):
    """A checkpoint that cannot be planned for; the text says why and what to do."""


class Shape(BaseModel):
    """The numbers of a `Glm4MoeForCausalLM` config.json that memory depends on, under the names they have there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    num_hidden_layers: Dim
    num_attention_heads: Dim
    num_key_value_heads: Dim
    head_dim: Dim
    hidden_size: Dim
    intermediate_size: Dim
    moe_intermediate_size: Dim
    n_routed_experts: Dim
    n_shared_experts: MaybeDim = 1
    first_k_dense_replace: MaybeDim = 1
    num_nextn_predict_layers: MaybeDim = 0
    vocab_size: Dim
    max_position_embeddings: Dim

    @property
    def parameters(self) -> int:
        """All parameters, the MTP layers among them; norms and biases are too small to count."""
        attention = self.hidden_size * self.head_dim * 2 * (self.num_attention_heads + self.num_key_value_heads)
        expert = 3 * self.hidden_size * self.moe_intermediate_size
        sparse = (self.n_routed_experts + self.n_shared_experts) * expert + self.hidden_size * self.n_routed_experts
        dense_layers = min(self.first_k_dense_replace, self.num_hidden_layers)
        dense = dense_layers * 3 * self.hidden_size * self.intermediate_size
        mtp = self.num_nextn_predict_layers * (attention + sparse + 2 * self.hidden_size**2)
        sparse_layers = (self.num_hidden_layers - dense_layers) * sparse
        return self.num_hidden_layers * attention + dense + sparse_layers + mtp + self.embeddings

    @property
    def embeddings(self) -> int:
        """Parameters of the input and output embeddings, which no FP8 checkpoint stores in 8 bits."""
        return 2 * self.vocab_size * self.hidden_size


class Checkpoint(Value):
    """One checkpoint to plan for."""

    model: str
    """What `--model-path` gets: a name at Hugging Face, or a folder."""
    name: str
    dtype: str
    """Of the weights: BF16, FP8, or for another quantization its method."""
    shape: Shape
    family: Family | None = None
    """The row of the published table that it belongs to."""
    weight_bytes: int
    kv_dtype_bytes: int = 2
    """SGLang keeps the KV cache in the model's own 16 bits unless it is told otherwise, also for FP8 weights."""

    @property
    def window(self) -> int:
        return self.shape.max_position_embeddings

    def kv_bytes_per_token(self, tp: int = 1, pp: int = 1) -> int:
        """KV memory of one token on one GPU, in bytes. With more GPUs than KV heads each GPU still holds one head."""
        heads = max(1, -(-self.shape.num_key_value_heads // tp))
        layers = -(-self.shape.num_hidden_layers // pp)
        return 2 * layers * heads * self.shape.head_dim * self.kv_dtype_bytes


# Public config.json files. GLM-4.6 has the shape of GLM-4.5 (github.com/zai-org/GLM-4.5: 355B-A32B) and a window of
# 202,752; huggingface.co/zai-org/GLM-4.7/blob/main/config.json shows the same numbers for its successor. The shapes of
# both sizes also stand at docs.nvidia.com/nemo/megatron-bridge/latest/models/llm/glm45.html.
_LARGE = Shape(
    num_hidden_layers=92, num_attention_heads=96, num_key_value_heads=8, head_dim=128, hidden_size=5120,
    intermediate_size=12288, moe_intermediate_size=1536, n_routed_experts=160, n_shared_experts=1,
    first_k_dense_replace=3, num_nextn_predict_layers=1, vocab_size=151552, max_position_embeddings=202752,
)  # fmt: skip
# GLM-4.5-Air, 106B-A12B: also the config.json of PrimeIntellect/INTELLECT-3-Base, which was trained from it.
_AIR = Shape(
    num_hidden_layers=46, num_attention_heads=96, num_key_value_heads=8, head_dim=128, hidden_size=4096,
    intermediate_size=10944, moe_intermediate_size=1408, n_routed_experts=128, n_shared_experts=1,
    first_k_dense_replace=1, num_nextn_predict_layers=1, vocab_size=151552, max_position_embeddings=131072,
)  # fmt: skip


def _weight_bytes(shape: Shape, dtype: Literal["BF16", "FP8"]) -> int:
    return 2 * shape.parameters if dtype == "BF16" else shape.parameters + shape.embeddings


def _known(name: str, family: Family, shape: Shape, dtype: Literal["BF16", "FP8"]) -> Checkpoint:
    model = f"zai-org/{name}" + ("-FP8" if dtype == "FP8" else "")
    weights = _weight_bytes(shape, dtype)
    return Checkpoint(model=model, name=name, dtype=dtype, shape=shape, family=family, weight_bytes=weights)


CHECKPOINTS = (
    _known("GLM-4.6", "GLM-4.5", _LARGE, "BF16"),
    _known("GLM-4.6", "GLM-4.5", _LARGE, "FP8"),
    _known("GLM-4.5-Air", "GLM-4.5-Air", _AIR, "BF16"),
    _known("GLM-4.5-Air", "GLM-4.5-Air", _AIR, "FP8"),
)
"""What the planner offers, best first."""


def read_checkpoint(folder: Path) -> Checkpoint:
    """A checkpoint on disk, by its own config.json, which nobody vouches for. Raises CheckpointError."""
    config = _read_config(folder)
    architectures = config.get("architectures")
    if not isinstance(architectures, list) or "Glm4MoeForCausalLM" not in architectures:
        found = one_line(str(architectures), limit=80)
        raise CheckpointError(f"{folder}: this plan is for Glm4MoeForCausalLM checkpoints, config.json says {found}")
    try:
        shape = Shape.model_validate(config)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors()}))
        raise CheckpointError(f"{folder}: config.json lacks these numbers, or they are wrong: {wrong}") from None
    dtype = _dtype(config)
    weights = _weight_bytes(shape, dtype) if dtype in ("BF16", "FP8") else _on_disk(folder, dtype)
    return Checkpoint(
        model=str(folder.absolute()),
        name=one_line(folder.resolve().name, limit=60),
        dtype=dtype,
        shape=shape,
        family=_family(shape),
        weight_bytes=weights,
    )


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}: give the folder of a checkpoint") from None
    if len(text) > MAX_CONFIG_BYTES:
        raise CheckpointError(f"{path}: larger than any config.json; is this a checkpoint?")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path}: not JSON: is the download complete?") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{path}: not a JSON object")
    return config


def _dtype(config: dict[str, Any]) -> Any:
    """BF16, FP8 or the method of another quantization, from what config.json says of the weights."""
    quantization = config.get("quantization_config")
    if not isinstance(quantization, dict):
        return "BF16"
    method = quantization.get("quant_method")
    groups = quantization.get("config_groups")
    first = next(iter(groups.values()), None) if isinstance(groups, dict) else None
    weights = first.get("weights") if isinstance(first, dict) else None
    if isinstance(weights, dict) and (weights.get("type"), weights.get("num_bits")) == ("float", 8):
        return "FP8"
    return "FP8" if method == "fp8" else one_line(str(method), limit=20) or "quantized"


def _on_disk(folder: Path, dtype: str) -> int:
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors") if path.is_file())
    if not size:
        raise CheckpointError(
            f"{folder}: weights are {dtype}, and there are no .safetensors files to see their size by"
        )
    return size


def _family(shape: Shape) -> Family | None:
    def outline(of: Shape) -> tuple[int, int, int]:
        return (of.num_hidden_layers, of.hidden_size, of.n_routed_experts)

    return (
        "GLM-4.5" if outline(shape) == outline(_LARGE) else "GLM-4.5-Air" if outline(shape) == outline(_AIR) else None
    )
