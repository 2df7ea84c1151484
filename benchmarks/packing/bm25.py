"""Says what packs by the weights that ship hold of a data set, beside whole files by BM25.

    python -m benchmarks.packing.bm25 --data FILE --mirrors DIR --work DIR

Reads the cases that `benchmarks.packing.gather` left in the work folder. BM25 (k1 1.2, b 0.75) ranks all code but tests
by the lower-case words of the task that stand in them or in their path; whole files go in, the best first, and one that
no longer fits is passed over. Each line gives the share of issues of which a pack holds every edit, at each budget, and
the middle 95 per cent of what other repositories drawn from the same might have given.
"""

import argparse
import json
import math
import pickle
import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.packing.fit import BUDGETS, groups_of, holds, offers_of
from benchmarks.packing.gather import Case, check_out, find_mirror
from glmcode.context.files import decode, list_files, open_root, read_bytes
from glmcode.context.index.kinds import MAX_SOURCE_BYTES, is_code, kind_by_name
from glmcode.context.pack import MARGIN, heading_tokens
from glmcode.context.ranking.weights import FILE_WEIGHTS, PIECE_WEIGHTS
from glmcode_engine.line_tokens import line_tokens

K1, B = 1.2, 0.75
DRAWS = 2_000
MAX_MISSES = 30
"""So many files in a row that do not fit, and the pack is full."""
_WORD = re.compile(r"\w{2,}")

Hits = Sequence[bool]


def main() -> None:
    """Judge both and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--data", "--mirrors", "--work"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args()
    cases: list[Case] = [pickle.loads(file.read_bytes()) for file in sorted(options.work.glob("cases/*.pickle"))]
    instances = {row["id"]: row for row in map(json.loads, options.data.read_text().splitlines())}
    cases = [case for case in cases if case.id in instances]
    repos = {case.id: case.repo for case in cases}
    ours = {case.id: holds(case, offers_of(case, FILE_WEIGHTS, PIECE_WEIGHTS), BUDGETS) for case in cases}
    theirs: dict[str, Hits] = {}
    for case in cases:
        kept = options.work / "bm25" / f"{case.id}.json"
        if not kept.exists():
            mirror = find_mirror(options.mirrors, case.repo)
            assert mirror is not None, f"no mirror of {case.repo}"
            tree = options.work / "trees" / case.repo.replace("/", "+")
            check_out(mirror, instances[case.id]["base"], tree)
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(whole_files(tree, instances[case.id]["issue"], case.gold)))
        theirs[case.id] = json.loads(kept.read_text())
    for name, ids in groups_of(cases, options.data).items():
        print(f"| {name} | {len(ids)} | {_row(ours, ids, repos)} | {_row(theirs, ids, repos)} |")


def whole_files(tree: Path, issue: str, gold: Mapping[str, object]) -> list[bool]:
    """For each budget whether whole files in the order of BM25 hold all of the gold's."""
    texts: dict[str, str] = {}
    with open_root(tree) as root:
        for path in list_files(tree):
            code = is_code(path) and kind_by_name(path) != "test"
            if code and (found := read_bytes(root, path, MAX_SOURCE_BYTES)):
                texts[path] = decode(found[0])
    order = ranked(issue, texts)
    sizes: dict[str, int] = {}
    held = []
    for budget in BUDGETS:
        left, misses = budget / MARGIN, 0
        packed = set()
        for path in order:
            if path not in sizes:
                sizes[path] = sum(line_tokens(texts[path])) + heading_tokens(path)
            fits = sizes[path] <= left
            misses = 0 if fits else misses + 1
            if fits:
                packed.add(path)
                left -= sizes[path]
            elif misses >= MAX_MISSES:
                break
        held.append(packed.issuperset(gold))
    return held


def ranked(issue: str, texts: Mapping[str, str]) -> list[str]:
    """The files that have a word of the issue, best first."""
    wanted = set(_WORD.findall(issue.lower()))
    counts, lengths = {}, {}
    for path, text in texts.items():
        words = _WORD.findall(f"{path}\n{text}".lower())
        lengths[path] = len(words)
        counts[path] = Counter(filter(wanted.__contains__, words))
    seen = Counter(word for found in counts.values() for word in found)
    rarity = {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in seen.items()}
    mean = sum(lengths.values()) / max(1, len(lengths))
    scores = {
        path: sum(
            rarity[word] * n * (K1 + 1) / (n + K1 * (1 - B + B * lengths[path] / mean)) for word, n in found.items()
        )
        for path, found in counts.items()
        if found
    }
    return sorted(scores, key=lambda path: (-scores[path], path))


def _row(held: Mapping[str, Hits], ids: Sequence[str], repos: Mapping[str, str]) -> str:
    """The shares, each with its interval: repositories are drawn, with all their issues."""
    groups = defaultdict(list)
    for id in ids:
        groups[repos[id]].append(held[id])
    drawn = random.Random(1)
    samples = [
        [hits for repo in drawn.choices(sorted(groups), k=len(groups)) for hits in groups[repo]] for _ in range(DRAWS)
    ]
    shares = zip(*map(_shares, samples), strict=True)
    ends = [(sorted(share)[DRAWS // 40], sorted(share)[-DRAWS // 40]) for share in shares]
    return " / ".join(
        f"{share:.0f} [{low:.0f}-{high:.0f}]"
        for share, (low, high) in zip(_shares([held[id] for id in ids]), ends, strict=True)
    )


def _shares(held: Sequence[Hits]) -> list[float]:
    return [100 * sum(hits) / len(held) for hits in zip(*held, strict=True)]


if __name__ == "__main__":
    main()
