"""Says what packs of each size hold, by how sure the ranking is: what `--context auto` rests on.

    python -m benchmarks.packing.need --work DIR

Reads the cases of benchmarks.packing.gather, ranks them by the weights that ship, and parts them by `fitting.spread`,
the tokens that hold MASS of all probability: below SHARP, up to MIDDLE, and above. Each line is the share of issues
of which a pack of so many tokens holds every edit.
"""

import argparse
import pickle
from collections.abc import Sequence
from pathlib import Path

from benchmarks.packing.fit import holds, offers_of
from benchmarks.packing.gather import Case
from glmcode.context.budget import MASS, MIDDLE, SHARP
from glmcode.context.fitting import spread
from glmcode.context.ranking.weights import FILE_WEIGHTS, PIECE_WEIGHTS

SIZES = (4_000, 8_000, 13_000, 24_000, 32_000, 48_000, 64_000, 100_000, 200_000)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    folder = parser.parse_args().work
    cases: list[Case] = [pickle.loads(file.read_bytes()) for file in sorted(folder.glob("cases/*.pickle"))]
    groups: dict[str, list[list[bool]]] = {}
    for case in cases:
        offers = offers_of(case, FILE_WEIGHTS, PIECE_WEIGHTS)
        found = holds(case, offers, SIZES)
        mass = spread(offers, MASS)
        sure = "sharp" if mass <= SHARP else "middle" if mass <= MIDDLE else "spread"
        lines = "lines named" if any(row.get("mention_line", 0.0) > 0 for row in case.files) else "none named"
        for group in (sure, f"{sure}, {lines}", "all"):
            groups.setdefault(group, []).append(found)
    print("group".ljust(22), "n".rjust(4), *(f"{size // 1000}K".rjust(5) for size in SIZES))
    for name in sorted(groups):
        print(name.ljust(22), str(len(groups[name])).rjust(4), *_shares(groups[name]))


def _shares(rows: Sequence[Sequence[bool]]) -> list[str]:
    return [f"{100 * sum(hits) / len(hits):.0f}".rjust(5) for hits in zip(*rows, strict=True)]


if __name__ == "__main__":
    main()
