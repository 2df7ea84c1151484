import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode_engine.sglang.models import CHECKPOINTS, Checkpoint, CheckpointError, read_checkpoint

BF16, FP8, AIR_BF16, AIR_FP8 = CHECKPOINTS
CONFIG = {"architectures": ["Glm4MoeForCausalLM"], **BF16.shape.model_dump(), "torch_dtype": "bfloat16"}


def checkpoint(folder: Path, config: object) -> Checkpoint:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return read_checkpoint(folder)


def test_kv_memory_of_one_token_is_what_one_works_out_by_hand() -> None:
    # Keys and values, 92 layers, 8 heads of 128 numbers, 2 bytes each.
    assert BF16.kv_bytes_per_token() == 376_832 == 2 * 92 * 8 * 128 * 2
    assert AIR_FP8.kv_bytes_per_token() == 188_416
    assert FP8.kv_bytes_per_token(tp=4) == 94_208
    assert FP8.kv_bytes_per_token(tp=8) == 47_104


def test_more_gpus_than_kv_heads_repeat_a_head_and_stages_share_the_layers() -> None:
    assert FP8.kv_bytes_per_token(tp=16) == FP8.kv_bytes_per_token(tp=8)
    assert FP8.kv_bytes_per_token(tp=32, pp=2) == 23_552


def test_parameters_come_to_the_published_sizes() -> None:
    # 355B and 106B by their names, 357B and 110B with the MTP layer, as counted in the files.
    assert BF16.shape.parameters == pytest.approx(357e9, rel=0.005)
    assert AIR_BF16.shape.parameters == pytest.approx(110e9, rel=0.01)


def test_weights_take_two_bytes_or_one_and_embeddings_always_two() -> None:
    assert BF16.weight_bytes == 2 * BF16.shape.parameters
    assert FP8.weight_bytes == BF16.shape.parameters + 2 * 151_552 * 5120
    assert [one.weight_bytes // 10**9 for one in CHECKPOINTS] == [713, 358, 218, 110]


def test_a_local_checkpoint_is_read_from_its_own_config(tmp_path: Path) -> None:
    found = checkpoint(tmp_path, {**CONFIG, "max_position_embeddings": 65_536})
    assert (found.model, found.dtype, found.family, found.window) == (str(tmp_path), "BF16", "GLM-4.5", 65_536)
    assert found.weight_bytes == BF16.weight_bytes


@pytest.mark.parametrize(
    ("quantization", "dtype"),
    [
        ({"quant_method": "fp8"}, "FP8"),
        ({"quant_method": "compressed-tensors",
          "config_groups": {"group_0": {"weights": {"type": "float", "num_bits": 8}}}}, "FP8"),
        ("nonsense", "BF16"),
    ],
)  # fmt: skip
def test_eight_bit_weights_are_known_by_what_the_config_says_of_them(
    tmp_path: Path, quantization: object, dtype: str
) -> None:
    assert checkpoint(tmp_path, {**CONFIG, "quantization_config": quantization}).dtype == dtype


def test_other_quantizations_are_weighed_on_disk(tmp_path: Path) -> None:
    config = {**CONFIG, "quantization_config": {"quant_method": "awq"}}
    with pytest.raises(CheckpointError, match=r"awq.*no \.safetensors"):
        checkpoint(tmp_path, config)
    (tmp_path / "a.safetensors").write_bytes(b"x" * 1000)
    assert (checkpoint(tmp_path, config).dtype, checkpoint(tmp_path, config).weight_bytes) == ("awq", 1000)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ({}, "Glm4MoeForCausalLM"),
        ({**CONFIG, "architectures": ["\x1b[31mLlama"]}, "config.json says .*Llama"),
        ({**CONFIG, "num_hidden_layers": "92", "head_dim": -1}, "head_dim, num_hidden_layers"),
        ({**CONFIG, "hidden_size": 10**12}, "hidden_size"),
        ({key: value for key, value in CONFIG.items() if key != "vocab_size"}, "vocab_size"),
        (" " * 2**20 + "{}", "larger than"),
    ],
)  # fmt: skip
def test_a_config_that_cannot_be_planned_for_says_why(tmp_path: Path, config: object, text: str) -> None:
    with pytest.raises(CheckpointError, match=text) as caught:
        checkpoint(tmp_path, config)
    assert "\x1b" not in str(caught.value)


def test_a_checkpoint_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint(tmp_path, CONFIG)
    monkeypatch.chdir(tmp_path.parent)
    assert read_checkpoint(Path(tmp_path.name)).model == str(tmp_path)


def test_a_folder_without_a_config_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No such file"):
        read_checkpoint(tmp_path / "nowhere")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(changes=st.dictionaries(st.sampled_from([*CONFIG, "quantization_config"]), JSON, max_size=3))
def test_any_config_gives_a_checkpoint_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    try:
        found = checkpoint(tmp_path_factory.mktemp("c"), {**CONFIG, **changes})
    except CheckpointError as error:
        assert str(error)
    else:
        assert found.weight_bytes > 0 and found.kv_bytes_per_token() > 0
