import shlex

import pytest

from glmcode_engine.sglang.cards import GIB
from glmcode_engine.sglang.gpus import GpuReading, parse_gpus
from glmcode_engine.sglang.memory import Layout, estimate, layouts
from glmcode_engine.sglang.models import CHECKPOINTS, Checkpoint
from glmcode_engine.sglang.plan import Option, best, equal_group, plan
from glmcode_engine.sglang.plan_record import make_record
from glmcode_engine.sglang.published import TABLE

BF16, FP8, AIR_BF16, AIR_FP8 = CHECKPOINTS


def planned(spec: str, checkpoint: Checkpoint = FP8, nodes: int = 1, context: int | None = None) -> Option:
    (option,) = plan((checkpoint,), equal_group(parse_gpus(spec), nodes), context)
    return option


# Written out by hand from the README's two tables, minimum and full 128K.
PUBLISHED = [
    (BF16, 16, 32), (FP8, 8, 16), (AIR_BF16, 4, 8), (AIR_FP8, 2, 4),
]  # fmt: skip


@pytest.mark.parametrize(("checkpoint", "least", "full"), PUBLISHED)
@pytest.mark.parametrize(("kind", "share", "source"), [("h100", 1, "published"), ("h200", 2, "estimate")])
def test_the_published_counts_decide(
    checkpoint: Checkpoint, least: int, full: int, kind: str, share: int, source: str
) -> None:
    least, full = least // share, full // share
    one_less = planned(f"{kind}:{least - 1}" if least > 1 else "none", checkpoint)
    assert not one_less.fits
    assert one_less.missing
    enough = planned(f"{kind}:{least}", checkpoint)
    assert (enough.fits, enough.tp, enough.source, enough.missing) == (True, least, source, None)
    assert 0 < enough.context < 131_072
    whole = planned(f"{kind}:{full}", checkpoint)
    assert (whole.context, whole.source, whole.tp * whole.pp) == (131_072, source, full)


@pytest.mark.parametrize(("checkpoint", "gpus"), [(BF16, 64), (FP8, 32)])
def test_twice_the_full_count_is_200k_and_an_estimate(checkpoint: Checkpoint, gpus: int) -> None:
    option = planned(f"h100:{gpus}", checkpoint)
    assert (option.context, option.source, option.tp * option.pp) == (202_752, "estimate", gpus)
    assert planned(f"h200:{gpus // 2}", checkpoint).context == 202_752


def test_the_table_has_a_row_for_every_checkpoint_and_its_h200_rows_are_estimates() -> None:
    assert {(row.kind, row.source) for row in TABLE} == {("h100", "published"), ("h200", "estimate")}
    rows = [(row.family, row.dtype) for row in TABLE if row.kind == "h100"]
    assert rows == [(one.family, one.dtype) for one in CHECKPOINTS]


def test_two_machines_share_one_copy_and_get_a_line_each() -> None:
    option = planned("h100:8", nodes=2)
    assert (option.tp, option.nodes, option.context, option.replicas) == (16, 2, 131_072, 1)
    ranks = [shlex.split(line)[shlex.split(line).index("--node-rank") + 1] for line in option.command]
    assert ranks == ["0", "1"]
    assert all("--nnodes 2" in line and "--tp-size 16" in line for line in option.command)


def test_a_copy_that_needs_one_machine_only_is_not_spread_over_two() -> None:
    option = planned("h100:8", AIR_FP8, nodes=2)
    assert (option.tp, option.nodes, option.replicas, len(option.command)) == (4, 1, 4, 1)


def test_mixed_cards_leave_the_largest_equal_group() -> None:
    reading = parse_gpus("h200:4,h100:2")
    record = make_record(reading)
    option = next(one for one in record.options if (one.name, one.dtype) == ("GLM-4.6", "FP8"))
    assert (option.fits, option.tp) == (True, 4)
    assert any("equal cards" in note and "4 x H200" in note for note in record.notes)
    assert [(group.name, group.count) for group in record.gpus] == [("h200", 4), ("h100", 2)]


@pytest.mark.parametrize(
    ("spec", "checkpoint", "missing"),
    [
        ("h100:1", FP8, "7 more H100"),
        ("h100:6", FP8, "2 more H100"),
        ("h200:4", BF16, "4 more H200"),
        ("none", AIR_FP8, "2 H100 or 1 H200 (estimate)"),
        ("a100-80:8", FP8, "FP8-native cards (compute capability 8.9 or newer), which A100-80 is not"),
        ("t4:8", AIR_BF16, "BF16-native cards (compute capability 8.0 or newer), which T4 is not"),
        ("tiny@4:8", BF16, "cards with more memory: 64 x tiny@4 would not do"),
    ],
)
def test_too_little_hardware_says_what_is_missing(spec: str, checkpoint: Checkpoint, missing: str) -> None:
    option = planned(spec, checkpoint)
    assert (option.fits, option.missing, option.context, option.command) == (False, missing, 0, ())


def test_enough_cards_in_odd_numbers_a_machine_say_so() -> None:
    assert planned("h100:3", nodes=3).missing == "8 H100 on machines with a power of two each"


def test_cards_without_published_counts_are_planned_by_their_memory() -> None:
    assert planned("a100-80:4", AIR_BF16).fits
    assert not planned("a100-80:2", AIR_BF16).fits
    assert planned("a100-80:4", AIR_BF16).source == "estimate"


def test_a_wanted_context_is_met_or_its_price_is_named() -> None:
    assert planned("h100:8", context=131_072).missing == "8 more H100 for 131,072 tokens in each of 8 requests"
    small = planned("h100:8", context=65_536)
    assert small.fits
    assert "--context-length 65536" in small.command[0]
    assert planned("h100:8", AIR_FP8, context=200_000).missing == "its window is 131,072 tokens"


def test_a_window_that_fits_is_left_to_the_checkpoint_and_a_smaller_one_is_a_flag() -> None:
    assert "--context-length" not in planned("h100:8").command[0]
    tight = planned("h200:1", AIR_FP8)
    assert tight.context_alone < 131_072
    assert f"--context-length {tight.context_alone}" in tight.command[0]


def test_the_estimate_adds_up_by_hand() -> None:
    found = estimate(FP8, Layout(tp=8), 80 * GIB)
    assert found.weight_bytes == 44_791_930_880
    assert found.kv_bytes == int(80 * GIB * 0.85) - 44_791_930_880 == 28_222_513_152
    assert found.kv_tokens == 28_222_513_152 // 47_104 == 599_153
    assert found.context == 599_153 // 8 // 1024 * 1024 == 74_752
    assert found.context_alone == 202_752


def test_the_estimate_agrees_with_the_published_counts() -> None:
    # Both hold for 8 requests: the published full count leaves about 128K tokens for each.
    for layout, checkpoint in ((Layout(tp=32), BF16), (Layout(tp=16), FP8)):
        assert estimate(checkpoint, layout, 80 * GIB).context == pytest.approx(131_072, rel=0.05)


def test_layouts_are_powers_of_two_that_split_the_heads_on_few_machines() -> None:
    assert [(one.tp, one.pp, one.nodes) for one in layouts(FP8, 6, 3)] == [(1, 1, 1), (2, 1, 1), (4, 1, 1), (8, 1, 2)]
    assert list(layouts(FP8, 64, 1))[-1] == Layout(tp=32, pp=2, nodes=1)
    assert list(layouts(FP8, 0, 1)) == []


def test_cards_in_use_are_left_out_and_said() -> None:
    idle = parse_gpus("h100:8").gpus
    busy = idle[0].model_copy(update={"free_bytes": 20 * GIB})
    record = make_record(GpuReading(status="found", detail="", gpus=(busy, *idle[1:])))
    assert [option.fits for option in record.options] == [False, False, True, True]
    assert any("1 GPU(s) are in use (60 GiB" in note for note in record.notes)


def test_a_machine_with_little_memory_is_warned() -> None:
    notes = make_record(parse_gpus("h100:8"), host_memory_bytes=64 * 10**9).notes
    assert any("64 GB of memory, less than the weights" in note for note in notes)
    notes = make_record(parse_gpus("h100:8"), host_memory_bytes=512 * 10**9).notes
    assert any("more than 1 TB" in note for note in notes)


def test_an_unknown_card_may_run_fp8_and_the_doubt_is_told() -> None:
    record = make_record(parse_gpus("mystery@141:8"))
    assert any("is not known" in note for note in record.notes)
    assert record.options[1].fits


def test_the_best_option_is_the_first_model_with_the_weights_that_leave_most_context() -> None:
    chosen = best(make_record(parse_gpus("h100:16")).options)
    assert chosen is not None
    assert (chosen.name, chosen.dtype) == ("GLM-4.6", "FP8")
    copies = best(make_record(parse_gpus("h100:8"), 2, context_length=65_536).options)
    assert copies is not None
    assert (copies.dtype, copies.tp, copies.replicas) == ("FP8", 8, 2)
    assert best(make_record(parse_gpus("none")).options) is None


def test_nothing_that_fits_names_the_closest_and_other_ways() -> None:
    notes = " ".join(make_record(parse_gpus("h100:1")).notes)
    assert "GLM-4.5-Air FP8, which needs 1 more H100" in notes
    assert "--preset zai" in notes


def test_host_memory_is_at_least_the_weights() -> None:
    assert planned("h100:8").host_memory_bytes == FP8.weight_bytes
